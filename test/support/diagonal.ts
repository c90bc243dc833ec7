import { expect } from "vitest";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { methodById } from "../../src/methods/registry.ts";
import { mergePool } from "./merge-factors.ts";
import { deltaOf, type Factors, poolOf, relativeDifference } from "./pools.ts";

/** The delta that a method makes of adapters at a rank, in f64 Gram matrices. */
export async function mergeExactly(
  id: string,
  adapters: readonly Factors[],
  rank: number,
  options: object = {},
): Promise<number[][]> {
  const method = methodById(id);
  const pool = await poolOf(wasmKernels(), adapters, true);
  const { rows } = await mergePool(pool, method, adapters, rank, options);
  return deltaOf(rows, pool.in, pool.out);
}

/** Expect a delta with these entries on its diagonal and zeros elsewhere (1e-6). */
export function expectDiagonal(delta: number[][], ...entries: number[]): void {
  const expected = entries.map((value, at) => entries.map((_, x) => (x === at ? value : 0)));
  expect(relativeDifference(delta, expected)).toBeLessThan(1e-6);
}
