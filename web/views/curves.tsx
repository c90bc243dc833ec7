import type { Clustering, ModulePlane } from "../../src/analysis/module-view.ts";
import { clustering, curve, k, recommended } from "../state/module.ts";
import { LineChart } from "./line-chart.tsx";
import { Spectra } from "./spectra.tsx";

const CURVES: readonly {
  readonly name: string;
  readonly about: string;
  readonly of: (at: Clustering) => number | null;
}[] = [
  { name: "Inertia", about: "within clusters", of: ({ inertia }) => inertia },
  { name: "Purity", about: "chance dashed", of: ({ purity }) => purity.purity },
  { name: "Norm ratio", about: "to mean", of: ({ normRatio }) => normRatio },
  { name: "Energy", about: "of the sum", of: ({ energy }) => energy },
];

/** Charts of figures over k, and of the singular values. */
export function Curves({ plane }: { plane: ModulePlane }) {
  const points = (of: (at: Clustering) => number | null) =>
    curve.value.flatMap((at) => {
      const value = of(at);
      return value === null ? [] : [[at.k, value] as const];
    });
  return (
    <div class="tile charts">
      {CURVES.map(({ name, about, of }, i) => (
        <LineChart
          key={name}
          title={name}
          about={about}
          of={plane.name}
          axis="k"
          at={clustering.value?.k ?? k.value}
          marked={recommended.value}
          low={0}
          series={[
            { name, color: null, points: points(of) },
            ...(i === 1
              ? [{ name: "chance", color: 7, dashed: true, points: points(({ purity }) => purity.chance) }]
              : []),
          ]}
        />
      ))}
      <Spectra plane={plane} />
    </div>
  );
}
