import { useMemo } from "preact/hooks";
import type { ModulePlane } from "../../src/analysis/module-view.ts";
import { clustering, k } from "../state/module.ts";
import { ChartMenu } from "./chart-menu.tsx";
import { Scale } from "./scale.tsx";

const ALIKE = [0x00, 0x72, 0xb2] as const;
const OPPOSED = [0xd5, 0x5e, 0x00] as const;

/** Cosines of all pairs of units, ordered by cluster; lines separate the clusters. */
export function SimilarityMatrix({ plane }: { plane: ModulePlane }) {
  const found = clustering.value?.clusters;
  const clusters = found ?? [];
  const order = found === undefined ? [...plane.units.keys()] : found.flatMap(({ members }) => members);
  const count = order.length;
  const picture = useMemo(() => pictureOf(plane, order), [plane, found]);
  return (
    <figure class="tile matrix">
      <figcaption class="row between">
        <span>
          <b>Cosines</b> by cluster
        </span>
        <ChartMenu title="Cosines" of={`${plane.name}, k = ${clustering.value?.k ?? k.value}`} />
      </figcaption>
      <svg viewBox={`0 0 ${count} ${count}`} role="img" aria-label={describe(plane, clusters)}>
        <image href={picture} width={count} height={count} />
        {borders(clusters).map((at) => (
          <path key={at} class="border" d={`M0 ${at}H${count}M${at} 0V${count}`} />
        ))}
      </svg>
      <Scale least={-1} most={1} />
    </figure>
  );
}

/** One pixel for each pair of units, as the address of an image; larger cosines are more opaque. */
function pictureOf({ cosines }: ModulePlane, order: readonly number[]): string {
  const canvas = document.createElement("canvas");
  canvas.width = order.length;
  canvas.height = order.length;
  const image = new ImageData(order.length, order.length);
  let at = 0;
  for (const i of order) {
    for (const j of order) {
      const cosine = cosines[i]![j]!;
      image.data.set(cosine >= 0 ? ALIKE : OPPOSED, at);
      image.data[at + 3] = 255 * Math.min(1, Math.abs(cosine));
      at += 4;
    }
  }
  canvas.getContext("2d")!.putImageData(image, 0, 0);
  return canvas.toDataURL();
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
