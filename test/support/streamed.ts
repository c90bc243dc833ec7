import type { Kernels } from "../../src/kernels/kernels.ts";
import { defaultsOf, type MergedModule, type Method } from "../../src/methods/method.ts";
import { moduleMemory } from "../../src/methods/module-memory.ts";
import { runStreamed } from "../../src/methods/run-module.ts";
import { StreamedPool } from "../../src/units/streamed-pool.ts";
import type { UnitRows } from "../../src/units/unit-rows.ts";
import { tightKernels } from "./kernels.ts";
import { type Factors, partOf } from "./pools.ts";

/** What a method makes of adapters as if their units were too many for a matrix of all pairs, in the memory that is named for it. */
export async function mergeStreamed(
  method: Method,
  adapters: readonly Factors[],
  rank: number,
  options: object = {},
  kernels: Kernels = tightKernels(),
): Promise<{ pool: StreamedPool; merged: MergedModule; rows: UnitRows }> {
  const parts = adapters.map(partOf).filter(({ weight }) => weight !== 0);
  const run = {
    method,
    options: { ...(defaultsOf(method) as object), ...options },
    target: { kind: "rank", rank } as const,
    after: null,
    firstInput: 0,
  };
  const modules = parts.map(({ module }) => module);
  const memory = moduleMemory(modules, [run], 0, true);
  const pool = await StreamedPool.survey(kernels, parts, memory);
  const weights = adapters.map(({ weight = 1 }) => weight);
  const { merged, cut } = await runStreamed(pool, run, weights);
  return { pool, merged, rows: cut.rows! };
}
