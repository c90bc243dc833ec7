import type { Combination } from "../linalg/combination.ts";

/**
 * Sums of a pool's units: sum s adds the a-half of unit members[m] times a[m], and its b-half times b[m], for m from offsets[s] up to
 * offsets[s + 1].
 */
export interface UnitSums {
  /** One more entry than there are sums, ascending, starting with 0. */
  readonly offsets: Int32Array;
  readonly members: Int32Array;
  readonly a: Float64Array;
  readonly b: Float64Array;
}

/** Combinations as sums. */
export function unitSums(combinations: readonly Combination[]): UnitSums {
  const offsets = new Int32Array(combinations.length + 1);
  for (const [s, { members }] of combinations.entries()) offsets[s + 1] = offsets[s]! + members.length;
  return {
    offsets,
    members: Int32Array.from(combinations.flatMap(({ members }) => Array.from(members))),
    a: Float64Array.from(combinations.flatMap(({ a }) => Array.from(a))),
    b: Float64Array.from(combinations.flatMap(({ b }) => Array.from(b))),
  };
}

/** Kernel memory for `count` sums that have each unit at most once between them, in bytes, for both halves. */
export function unitSumsBytes(count: number, units: number): number {
  return 2 * (4 * (count + 1) + 8 * units) + 96;
}
