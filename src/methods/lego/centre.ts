import { type Combination, sumCombinations } from "../../linalg/combination.ts";
import { factorSvd } from "../../linalg/factor-svd.ts";
import type { Frame } from "./frame.ts";
import type { Group } from "./group.ts";

/** The weighted mean of a group's units, sign-aligned. */
export function meanCentre(frame: Frame, { leaders, signs, weights }: Group): Combination {
  const total = weights.reduce((sum, w) => sum + w, 0);
  const shares = weights.map((w, x) => (w / total) * signs[x]!);
  return sumCombinations(
    leaders.map((i) => frame.units[i]!),
    shares,
    shares,
  );
}

/**
 * The unit whose delta is nearest to the mean of the members' deltas: sigma u v^T, the top singular pair of the weighted
 * mean of b a^T, split as a' = sqrt(sigma / q) v and b' = sqrt(sigma q) u with q = mean |b| / mean |a| of the members, and
 * the sign that gives a' . mean(a) >= 0.
 */
export function rank1Centre(frame: Frame, group: Group): Combination {
  const { leaders, signs, weights } = group;
  if (leaders.length === 1) return meanCentre(frame, group);
  const n = frame.units.length;
  const m = leaders.length;
  const total = weights.reduce((sum, w) => sum + w, 0);
  const roots = weights.map((w) => Math.sqrt(w / total));
  const gram = (whole: Float64Array): Float64Array =>
    Float64Array.from(leaders.flatMap((i, x) => leaders.map((j, y) => roots[x]! * roots[y]! * whole[i * n + j]!)));
  const { sigma, u, v } = factorSvd(gram(frame.gramA), gram(frame.gramB), m, 1);
  if (sigma.length === 0)
    return sumCombinations(
      leaders.map((i) => frame.units[i]!),
      Array(m).fill(0),
      Array(m).fill(0),
    );
  let lengthA = 0;
  let lengthB = 0;
  let alignment = 0; // of v with the mean of the a-halves
  for (const [x, i] of leaders.entries()) {
    lengthA += (weights[x]! / total) * Math.sqrt(frame.gramA[i * n + i]!);
    lengthB += (weights[x]! / total) * Math.sqrt(frame.gramB[i * n + i]!);
    for (const [y, j] of leaders.entries()) {
      alignment += roots[x]! * v[0]![x]! * (weights[y]! / total) * signs[y]! * frame.gramA[i * n + j]!;
    }
  }
  const turn = alignment < 0 ? -1 : 1;
  const q = lengthB / lengthA;
  const fa = turn * Math.sqrt(sigma[0]! / q);
  const fb = turn * Math.sqrt(sigma[0]! * q);
  return sumCombinations(
    leaders.map((i) => frame.units[i]!),
    leaders.map((_, x) => fa * roots[x]! * v[0]![x]!),
    leaders.map((_, x) => fb * roots[x]! * u[0]![x]!),
  );
}
