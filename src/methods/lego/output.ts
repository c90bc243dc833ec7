import { type Combination, gramOf, scaleCombination } from "../../linalg/combination.ts";
import type { Pool } from "../../units/pool.ts";
import type { Frame } from "./frame.ts";

/** Some units' inner products. A pool has them, and so have the rows of centres. */
export type Grams = Pick<Pool, "gramA" | "gramB" | "count">;

/** The square of a delta below this share of the square of its units' norms is only rounding error. */
const LEAST_SHARE = 1e-12;

/** Weighted mean of the live ranks of the adapters that have live units here. */
export function meanRank({
  ids,
  weights,
}: {
  readonly ids: Frame["ids"];
  readonly weights: ArrayLike<number>;
}): number {
  const ranks = new Map<number, { rank: number; weight: number }>();
  for (let i = 0; i < ids.length; i++) {
    const found = ranks.get(ids[i]![0]);
    if (found === undefined) ranks.set(ids[i]![0], { rank: 1, weight: weights[i]! });
    else found.rank++;
  }
  const adapters = [...ranks.values()].sort((p, q) => p.weight - q.weight || p.rank - q.rank);
  const total = adapters.reduce((sum, { weight }) => sum + weight, 0);
  return adapters.reduce((sum, { rank, weight }) => sum + (weight / total) * rank, 0);
}

/** Weighted mean of |D_t|_F over the adapters that have live units here. */
export function meanNorm(pool: Pool, { ids, units, weights }: Frame): number {
  const members = new Map<number, number[]>();
  for (const [i, [input]] of ids.entries()) members.set(input, [...(members.get(input) ?? []), i]);
  const adapters = Array.from(members.values(), (own) => ({
    weight: weights[own[0]!]!,
    norm: deltaNorm(
      pool,
      own.map((i) => units[i]!),
    ),
  }));
  return weightedNorm(adapters);
}

/** The weighted mean of norms, whatever their order. */
export function weightedNorm(of: readonly { readonly weight: number; readonly norm: number }[]): number {
  const adapters = of.toSorted((p, q) => p.weight - q.weight || p.norm - q.norm);
  const total = adapters.reduce((sum, { weight }) => sum + weight, 0);
  return adapters.reduce((sum, { weight, norm }) => sum + (weight / total) * norm, 0);
}

/** |sum b a^T|_F of some units; 0 if they cancel out up to rounding. */
export function deltaNorm({ gramA, gramB, count }: Grams, units: readonly Combination[]): number {
  const m = units.length;
  const [amongA, amongB] = [gramOf(units, "a", gramA, count), gramOf(units, "b", gramB, count)];
  const square = amongA.reduce((sum, value, cell) => sum + value * amongB[cell]!, 0);
  const parts = units.reduce((sum, _, c) => sum + Math.sqrt(amongA[c * m + c]! * amongB[c * m + c]!), 0);
  return square > LEAST_SHARE * parts ** 2 ? Math.sqrt(square) : 0;
}

/** The same units with their delta brought to a norm; a delta of zero stays as it is. */
export function withNorm(pool: Grams, units: readonly Combination[], norm: number): Combination[] {
  const own = deltaNorm(pool, units);
  const half = own > 0 ? Math.sqrt(norm / own) : 1;
  return units.map((unit) => scaleCombination(unit, half, half));
}
