import type { Random } from "../core/random.ts";
import type { GramPoints, Partition } from "./points.ts";

/**
 * k-means++ seeding (Arthur and Vassilvitskii 2007): each next centre is a point drawn with probability proportional to its
 * weighted squared distance from the nearest centre so far; the other points join their nearest centre.
 */
export function plusPlus({ count: n, gram, weights, line }: GramPoints, k: number, random: Random): Partition {
  const labels = new Int32Array(n);
  const signs = new Int8Array(n).fill(1);
  const distance = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
  const taken = new Uint8Array(n);
  for (let c = 0; c < k; c++) {
    const seed = c === 0 ? random.below(n) : draw(distance, weights, taken, random.uniform());
    taken[seed] = 1;
    for (let i = 0; i < n; i++) {
      const product = gram[i * n + seed]!;
      const aligned = line ? Math.abs(product) : product;
      const squared = Math.max(0, gram[i * n + i]! + gram[seed * n + seed]! - 2 * aligned);
      if (i !== seed && (taken[i] || squared >= distance[i]!)) continue;
      distance[i] = squared;
      labels[i] = c;
      signs[i] = line && product < 0 ? -1 : 1;
    }
  }
  return { k, labels, signs };
}

/** A point not taken yet, drawn by weight times squared distance; the first such point if all distances are 0. */
function draw(distance: Float64Array, weights: Float64Array, taken: Uint8Array, uniform: number): number {
  let total = 0;
  for (let i = 0; i < taken.length; i++) if (!taken[i]) total += weights[i]! * distance[i]!;
  let left = uniform * total;
  let last = taken.indexOf(0);
  for (let i = 0; i < taken.length; i++) {
    if (taken[i] || distance[i] === 0) continue;
    last = i;
    left -= weights[i]! * distance[i]!;
    if (left < 0) break;
  }
  return last;
}
