import type { Partition } from "../../../linalg/points.ts";
import type { UnitSums } from "../../../units/unit-sums.ts";
import type { Points } from "./points.ts";

/**
 * The sum of each cluster's points, each with its sign, its weight divided by the cluster's, and its factors.
 *
 * @param masses summed weight of each cluster
 * @param divisors what each unit is divided by, N entries
 */
export function clusterMeans(
  { leaders, weights, a, b }: Points,
  { k, labels, signs }: Partition,
  masses: Float64Array,
  divisors: Float64Array,
): UnitSums {
  const offsets = new Int32Array(k + 1);
  for (const c of labels) offsets[c + 1]!++;
  for (let c = 0; c < k; c++) offsets[c + 1]! += offsets[c]!;
  const next = offsets.slice();
  const members = new Int32Array(labels.length);
  const halves = { a: new Float64Array(labels.length), b: new Float64Array(labels.length) };
  for (let x = 0; x < labels.length; x++) {
    const c = labels[x]!;
    const at = next[c]!++;
    const i = leaders[x]!;
    const share = (signs[x]! * weights[x]!) / masses[c]! / divisors[i]!;
    members[at] = i;
    halves.a[at] = share * a[i]!;
    halves.b[at] = share * b[i]!;
  }
  return { offsets, members, ...halves };
}

/** Summed weight of each cluster. */
export function clusterMasses({ weights }: Points, { k, labels }: Partition): Float64Array {
  const masses = new Float64Array(k);
  for (let x = 0; x < labels.length; x++) masses[labels[x]!]! += weights[x]!;
  return masses;
}
