import type { Clustering } from "../../src/analysis/module-view.ts";
import { curve, k } from "../state/module.ts";
import { LineChart } from "./line-chart.tsx";

const CURVES: readonly { readonly title: string; readonly of: (at: Clustering) => number | null }[] = [
  { title: "Inertia: squared distances within clusters", of: ({ inertia }) => inertia },
  { title: "Purity by adapter, chance dashed", of: ({ purity }) => purity.purity },
  { title: "Norm ratio: merged delta against the adapters' mean", of: ({ normRatio }) => normRatio },
  { title: "Energy: squared cosine with the sum of the adapters", of: ({ energy }) => energy },
];

/** Charts of figures over k. */
export function Curves({ most }: { most: number }) {
  const points = (of: (at: Clustering) => number | null) =>
    curve.value.flatMap((at) => {
      const value = of(at);
      return value === null ? [] : [[at.k, value] as const];
    });
  return (
    <div class="tile charts">
      {CURVES.map(({ title, of }, i) => (
        <figure key={title}>
          <figcaption>{title}</figcaption>
          <LineChart
            title={`${title}, k from 1 to ${most}`}
            axis="k"
            at={k.value}
            low={0}
            series={[
              { name: title.split(/[:,]| by /)[0]!, color: 0, points: points(of) },
              ...(i === 1
                ? [{ name: "chance", color: 7, dashed: true, points: points(({ purity }) => purity.chance) }]
                : []),
            ]}
          />
        </figure>
      ))}
    </div>
  );
}
