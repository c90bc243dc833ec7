import { seededRandom } from "../../src/core/random.ts";
import type { Factors } from "./pools.ts";

/** Factors of a 13 -> 9 module with entries in [-0.5, 0.5). */
export function randomFactors(seed: number, rank: number, scale = 1, weight = 1): Required<Factors> {
  const random = seededRandom(seed);
  const matrix = (rows: number, columns: number): number[][] =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => Math.fround(random.uniform() - 0.5)));
  return { A: matrix(rank, 13), B: matrix(9, rank), scale, weight };
}

/** An adapter of diagonal delta, square: one unit for each entry that is not 0. */
export function diagonal(...entries: number[]): Factors {
  const units = entries.map((value, at) => ({ value, at })).filter(({ value }) => value !== 0);
  return {
    A: units.map(({ at }) => entries.map((_, x) => (x === at ? 1 : 0))),
    B: entries.map((_, o) => units.map(({ at, value }) => (at === o ? value : 0))),
  };
}
