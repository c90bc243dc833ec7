import { seededRandom } from "../../src/core/random.ts";
import type { Factors } from "./pools.ts";

/** Factors of a 13 -> 9 module with entries in [-0.5, 0.5). */
export function randomFactors(seed: number, rank: number, scale = 1, weight = 1): Required<Factors> {
  const random = seededRandom(seed);
  const matrix = (rows: number, columns: number): number[][] =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => Math.fround(random.uniform() - 0.5)));
  return { A: matrix(rank, 13), B: matrix(9, rank), scale, weight };
}
