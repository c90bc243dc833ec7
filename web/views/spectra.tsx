import type { ModulePlane } from "../../src/analysis/module-view.ts";
import { openAdapters } from "../state/adapters.ts";
import { clustering, k } from "../state/module.ts";
import { LineChart } from "./line-chart.tsx";

/** Singular values of each adapter's delta and of the merged delta. */
export function Spectra({ plane }: { plane: ModulePlane }) {
  const line = (values: readonly number[]) => values.map((value, j) => [j + 1, value / (values[0] || 1)] as const);
  const merged = clustering.value?.spectrum ?? [];
  return (
    <LineChart
      title="Singular values"
      about="merge solid"
      of={`${plane.name}, k = ${clustering.value?.k ?? k.value}`}
      axis="index"
      logarithmic
      legend
      series={[
        ...plane.spectra.map((values, t) => ({
          name: openAdapters.value[t]?.name ?? `adapter ${t + 1}`,
          color: t,
          dashed: true,
          points: line(values),
        })),
        { name: "merged", color: null, points: line(merged) },
      ]}
    />
  );
}
