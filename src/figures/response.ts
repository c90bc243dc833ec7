import type { UnitProducts } from "../linalg/combination.ts";
import type { UnitGrams } from "./delta.ts";

/**
 * How a merged delta D' answers each adapter's own directions, compared with that adapter: for every adapter t of a module with
 * C_t = D_t^T D_t, <D' C_t, D_t> and <D' C_t, D'>, each divided by <D_t C_t, D_t>. Sums over the adapters; they add up over modules.
 * The scale that answers best in the least-squares sense is `answered / square`. Plain data.
 */
export interface ResponseProducts {
  /** sum of <D' C_t, D_t> / <D_t C_t, D_t>; 1 for each adapter that D' answers as the adapter does. */
  readonly answered: number;
  /** sum of <D' C_t, D'> / <D_t C_t, D_t>. */
  readonly square: number;
}

/** One adapter's units in a module, and the weight that its delta has in the merge. */
interface Asker {
  readonly units: readonly number[];
  readonly weight: number;
}

/**
 * The response of a module's merged delta, from Gram matrices alone, in f64. The delta of adapter t counts with its weight w_t:
 * D_t stands for w_t D_t. Adapters whose delta is zero do not count.
 *
 * @param adapters in an order that does not depend on the order of the inputs
 */
export function responseProducts(pool: UnitGrams, merged: UnitProducts, adapters: readonly Asker[]): ResponseProducts {
  let answered = 0;
  let square = 0;
  for (const { units, weight } of adapters) {
    const chain = chained(pool, units);
    const own = selfResponse(chain, units.length);
    if (!(own > 0) || weight === 0) continue;
    answered += crossResponse(pool, merged, units, chain) / (own * weight);
    square += mergedResponse(pool, merged, units) / (own * weight * weight);
  }
  return { answered, square };
}

/** Add the responses of modules. */
export function addResponses(one: ResponseProducts, other: ResponseProducts): ResponseProducts {
  return { answered: one.answered + other.answered, square: one.square + other.square };
}

/** The response of a delta of zero, to add to. */
export const NO_RESPONSE: ResponseProducts = { answered: 0, square: 0 };

/** G_A G_B (r, r) of an adapter's units: D_t D_t^T D_t = sum over i, k of chain_ik b_i a_k^T. */
function chained({ gramA, gramB, count }: UnitGrams, units: readonly number[]): Float64Array {
  const r = units.length;
  const out = new Float64Array(r * r);
  for (let i = 0; i < r; i++) {
    for (let j = 0; j < r; j++) {
      const a = gramA[units[i]! * count + units[j]!]!;
      for (let k = 0; k < r; k++) out[i * r + k]! += a * gramB[units[j]! * count + units[k]!]!;
    }
  }
  return out;
}

/** <D_t C_t, D_t> = trace of (G_A G_B)^2. */
function selfResponse(chain: Float64Array, r: number): number {
  let sum = 0;
  for (let i = 0; i < r; i++) for (let k = 0; k < r; k++) sum += chain[i * r + k]! * chain[k * r + i]!;
  return sum;
}

/** <D' C_t, D_t> = <D', D_t D_t^T D_t>. */
function crossResponse(
  { count: n }: UnitGrams,
  { count, withPoolA, withPoolB }: UnitProducts,
  units: readonly number[],
  chain: Float64Array,
): number {
  const r = units.length;
  let sum = 0;
  for (let c = 0; c < count; c++) {
    for (let i = 0; i < r; i++) {
      const b = withPoolB[c * n + units[i]!]!;
      for (let k = 0; k < r; k++) sum += b * chain[i * r + k]! * withPoolA[c * n + units[k]!]!;
    }
  }
  return sum;
}

/** <D' C_t, D'> = |D_t D'^T|^2: the units' b-halves times their a-halves' products with D's. */
function mergedResponse(
  { gramB, count: n }: UnitGrams,
  { count, withPoolA, amongB }: UnitProducts,
  units: readonly number[],
): number {
  const r = units.length;
  // seen (count, r) = products of the merged a-halves with the adapter's; then seen G_B seen^T against the merged b-halves' products.
  const turned = new Float64Array(count * r);
  for (let c = 0; c < count; c++) {
    for (let i = 0; i < r; i++) {
      const a = withPoolA[c * n + units[i]!]!;
      for (let j = 0; j < r; j++) turned[c * r + j]! += a * gramB[units[i]! * n + units[j]!]!;
    }
  }
  let sum = 0;
  for (let c = 0; c < count; c++) {
    for (let d = 0; d < count; d++) {
      let product = 0;
      for (let j = 0; j < r; j++) product += turned[c * r + j]! * withPoolA[d * n + units[j]!]!;
      sum += product * amongB[c * count + d]!;
    }
  }
  return sum;
}
