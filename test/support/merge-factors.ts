import { expect } from "vitest";
import type { Kernels } from "../../src/kernels/kernels.ts";
import { finishModule } from "../../src/methods/finish.ts";
import type { AfterStep, Target } from "../../src/methods/method.ts";
import { methodById } from "../../src/methods/registry.ts";
import { resolveRank } from "../../src/methods/resolve-rank.ts";
import { deltaOf, type Factors, poolOf } from "./pools.ts";

/** The delta that a method makes of adapters, by its rows; never of a higher rank than the target allows. */
export async function mergeFactors(
  kernels: Kernels,
  id: string,
  adapters: readonly Factors[],
  target: Target,
  options: object = {},
  after: AfterStep | null = null,
): Promise<number[][]> {
  const method = methodById(id);
  const all = { ...(method.defaults as object), ...options };
  const precise = after !== null || method.precise(all) || (method.cut === "svd" && target.kind !== "full");
  const [inputs, out] = [adapters[0]!.A[0]!.length, adapters[0]!.B.length];
  const ranks = adapters.map(({ A }) => A.length);
  const scratch = method.scratchBytes?.({ in: inputs, out, ranks, rank: Math.min(inputs, out) }) ?? 0;
  const pool = await poolOf(kernels, adapters, precise, null, scratch);
  const weights = adapters.map(({ weight = 1 }) => weight);
  const totalWeight = weights.reduce((sum, weight) => sum + weight, 0);
  const rank = await resolveRank(pool, target, method.cut);
  const merged = await method.merge(pool, { rank, options: all, inputs: weights.length, totalWeight, firstInput: 0 });
  const { rows } = await finishModule(pool, merged, rank, after);
  expect(rows.count).toBeLessThanOrEqual(rank);
  return deltaOf(rows, pool.in, pool.out);
}
