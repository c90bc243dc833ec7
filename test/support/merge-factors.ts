import { expect } from "vitest";
import type { Kernels } from "../../src/kernels/kernels.ts";
import { writtenRows } from "../../src/methods/finish.ts";
import {
  type AfterStep,
  defaultsOf,
  type MergedModule,
  type Method,
  type ModuleTarget,
} from "../../src/methods/method.ts";
import { methodById } from "../../src/methods/registry.ts";
import { resolveRank } from "../../src/methods/resolve-rank.ts";
import { type ModuleRun, needsPrecision, runModule } from "../../src/methods/run-module.ts";
import type { Pool } from "../../src/units/pool.ts";
import type { UnitRows } from "../../src/units/unit-rows.ts";
import { deltaOf, type Factors, poolOf } from "./pools.ts";

/** How a method is run with these options, its defaults for the rest. */
function runOf(method: Method, target: ModuleTarget, options: object, after: AfterStep | null): ModuleRun {
  return { method, options: { ...(defaultsOf(method) as object), ...options }, target, after, firstInput: 0 };
}

/** What a method makes of the pool of some adapters, and its rows at rank k. */
export async function mergePool(
  pool: Pool,
  method: Method,
  adapters: readonly Factors[],
  rank: number,
  options: object = {},
): Promise<{ merged: MergedModule; rows: UnitRows }> {
  const weights = adapters.map(({ weight = 1 }) => weight);
  const { merged, cut } = await runModule(pool, runOf(method, { kind: "rank", rank }, options, null), weights);
  return { merged, rows: await writtenRows(pool, cut) };
}

/** The delta that a method makes of adapters, by its rows; never of a higher rank than the target allows. */
export async function mergeFactors(
  kernels: Kernels,
  id: string,
  adapters: readonly Factors[],
  target: ModuleTarget,
  options: object = {},
  after: AfterStep | null = null,
): Promise<number[][]> {
  const method = methodById(id);
  const run = runOf(method, target, options, after);
  const [inputs, out] = [adapters[0]!.A[0]!.length, adapters[0]!.B.length];
  const ranks = adapters.map(({ A }) => A.length);
  const scratch = method.scratchBytes?.({ in: inputs, out, ranks, rank: Math.min(inputs, out) }) ?? 0;
  const pool = await poolOf(kernels, adapters, needsPrecision(run), null, scratch);
  const weights = adapters.map(({ weight = 1 }) => weight);
  const { cut } = await runModule(pool, run, weights);
  const rows = await writtenRows(pool, cut);
  expect(rows.count).toBeLessThanOrEqual(resolveRank(pool, target, method.cut));
  return deltaOf(rows, pool.in, pool.out);
}
