import { useEffect, useRef } from "preact/hooks";
import type { ModulePlane } from "../../src/analysis/module-view.ts";
import { clustering } from "../state/module.ts";

const ALIKE = [0x00, 0x72, 0xb2] as const;
const OPPOSED = [0xd5, 0x5e, 0x00] as const;

/** Cosines of all pairs of units, ordered by cluster; lines separate the clusters. */
export function SimilarityMatrix({ plane }: { plane: ModulePlane }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const clusters = clustering.value?.clusters ?? [];
  const order = clusters.length > 0 ? clusters.flatMap(({ members }) => members) : [...plane.units.keys()];
  const count = order.length;
  useEffect(() => canvas.current!.getContext("2d")!.putImageData(picture(plane, order), 0, 0), [plane, clusters]);
  return (
    <figure class="tile">
      <figcaption>Cosines between units, by cluster: blue is similar, orange opposed</figcaption>
      <div class="matrix">
        <canvas ref={canvas} width={count} height={count} role="img" aria-label={describe(plane, clusters)} />
        <svg class="borders" viewBox={`0 0 ${count} ${count}`} aria-hidden="true">
          {borders(clusters).map((at) => (
            <path key={at} d={`M0 ${at}H${count}M${at} 0V${count}`} />
          ))}
        </svg>
      </div>
    </figure>
  );
}

/** One pixel for each pair of units; larger cosines are more opaque. */
function picture(plane: ModulePlane, order: readonly number[]): ImageData {
  const image = new ImageData(order.length, order.length);
  let at = 0;
  for (const i of order) {
    for (const j of order) {
      const cosine = plane.cosines[i]![j]!;
      image.data.set(cosine >= 0 ? ALIKE : OPPOSED, at);
      image.data[at + 3] = 255 * Math.min(1, Math.abs(cosine));
      at += 4;
    }
  }
  return image;
}

type Clusters = readonly { readonly members: readonly number[] }[];

/** Positions between clusters. */
function borders(clusters: Clusters): number[] {
  let at = 0;
  return clusters.slice(0, -1).map(({ members }) => {
    at += members.length;
    return at;
  });
}

/** A text for the picture: how similar units are within and between clusters. */
function describe(plane: ModulePlane, clusters: Clusters): string {
  const sums = { within: [0, 0], between: [0, 0] };
  const of = new Map(clusters.flatMap(({ members }, c) => members.map((i) => [i, c] as const)));
  for (const [i, row] of plane.cosines.entries()) {
    for (let j = 0; j < i; j++) {
      const sum = of.get(i) === of.get(j) ? sums.within : sums.between;
      sum[0]! += row[j]!;
      sum[1]!++;
    }
  }
  const mean = ([total, count]: number[]): string => (count === 0 ? "none" : (total! / count!).toFixed(2));
  return `Mean cosine of two units in the same cluster ${mean(sums.within)}, in different clusters ${mean(sums.between)}`;
}
