import { useEffect, useRef } from "preact/hooks";
import type { ModulePlane } from "../../src/analysis/module-view.ts";
import { clustering } from "../state/module.ts";

const SIZE = 320;

/** Cosines of each two units, ordered by cluster; lines part the clusters. */
export function SimilarityMatrix({ plane }: { plane: ModulePlane }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const clusters = clustering.value?.clusters ?? [];
  useEffect(() => draw(canvas.current!, plane, clusters), [plane, clusters]);
  return (
    <figure class="tile">
      <figcaption>Cosines between units, by cluster: blue alike, orange opposed</figcaption>
      <canvas ref={canvas} width={SIZE} height={SIZE} role="img" aria-label={describe(plane, clusters)} />
    </figure>
  );
}

function draw(
  canvas: HTMLCanvasElement,
  plane: ModulePlane,
  clusters: readonly { readonly members: readonly number[] }[],
) {
  const context = canvas.getContext("2d")!;
  context.clearRect(0, 0, SIZE, SIZE);
  const order = clusters.length > 0 ? clusters.flatMap(({ members }) => members) : [...plane.units.keys()];
  const cell = SIZE / order.length;
  for (const [y, i] of order.entries()) {
    for (const [x, j] of order.entries()) {
      const cosine = plane.cosines[i]![j]!;
      context.fillStyle = cosine >= 0 ? "#0072b2" : "#d55e00";
      context.globalAlpha = Math.min(1, Math.abs(cosine));
      context.fillRect(x * cell, y * cell, Math.ceil(cell), Math.ceil(cell));
    }
  }
  context.globalAlpha = 0.6;
  context.fillStyle = getComputedStyle(canvas).color;
  let at = 0;
  for (const { members } of clusters.slice(0, -1)) {
    at += members.length;
    context.fillRect(0, at * cell, SIZE, 0.7);
    context.fillRect(at * cell, 0, 0.7, SIZE);
  }
  context.globalAlpha = 1;
}

/** The picture in words: how alike units are within and between clusters. */
function describe(plane: ModulePlane, clusters: readonly { readonly members: readonly number[] }[]): string {
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
  return `Mean cosine of two units within a cluster ${mean(sums.within)}, of different clusters ${mean(sums.between)}`;
}
