import { describe, expect, it } from "vitest";
import { memorySink } from "../../src/core/bytes.ts";
import { seededRandom } from "../../src/core/random.ts";
import { writtenRows } from "../../src/methods/finish.ts";
import type { AfterStep, ModuleTarget } from "../../src/methods/method.ts";
import { defaultsOf } from "../../src/methods/method.ts";
import { moduleMemory, mostUnits } from "../../src/methods/module-memory.ts";
import { METHODS, methodById } from "../../src/methods/registry.ts";
import { runModule } from "../../src/methods/run-module.ts";
import { Pool } from "../../src/units/pool.ts";
import { writeFactors, writingBytes } from "../../src/units/write-factors.ts";
import { tightKernels } from "../support/kernels.ts";
import { type Factors, partOf } from "../support/pools.ts";

const RANK = { kind: "rank", rank: 6 } as const;

/** Two adapters of one rank, as methods that tell one from the other need, whose deltas agree on the whole, as model_stock needs. */
function adapters(inputs: number, out: number): Factors[] {
  return [1, 2].map((seed) => {
    const random = seededRandom(seed);
    const matrix = (rows: number, columns: number): number[][] =>
      Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.uniform() - 0.25));
    return { A: matrix(8, inputs), B: matrix(out, 8) };
  });
}

const runOf = (id: string, target: ModuleTarget, after: AfterStep | null) => {
  const method = methodById(id);
  // At its default density dc_merge keeps fewer units of such small modules than the rank.
  const density = id === "dc_merge" ? { density: 1 } : {};
  return { method, options: { ...(defaultsOf(method) as object), ...density }, target, after, firstInput: 0 };
};

const SHAPES = [
  [2000, 30],
  [30, 2000],
  [5000, 140],
] as const;

describe.each(METHODS.map(({ id, needs }) => [id, needs.cut === true] as const))("%s", (id, cut) => {
  const targets: readonly ModuleTarget[] = cut ? [RANK] : [RANK, { kind: "full" }];
  it.each(SHAPES)("merges and writes %i -> %i in the memory that is named for it", async (inputs, out) => {
    const parts = adapters(inputs, out).map(partOf);
    const modules = parts.map(({ module }) => module);
    for (const target of targets) {
      for (const after of [null, "svc"] as const) {
        const run = runOf(id, target, after);
        const rank = mostUnits(run.method, target, { in: inputs, out, ranks: [8, 8] });
        const written = { dtype: "F32" as const, in: inputs, out, rank: rank + 3 };
        const kernels = tightKernels();
        const pool = await Pool.survey(kernels, parts, moduleMemory(modules, [run], writingBytes(written)), true);
        const rows = await writtenRows(pool, (await runModule(pool, run, [1, 1])).cut);
        expect(rows.count).toBe(rank);
        const sink = memorySink(4 * written.rank * (inputs + out));
        const factors = { ...written, a: { begin: 0 }, b: { begin: 4 * written.rank * inputs } };
        expect(await writeFactors(kernels, rows, factors, sink)).not.toBeNull();
      }
    }
  });
});

describe("several methods, one after the other on one pool", () => {
  it.each(SHAPES)("merge %i -> %i in what the largest of them takes", async (inputs, out) => {
    const parts = adapters(inputs, out).map(partOf);
    const modules = parts.map(({ module }) => module);
    const runs = METHODS.map(({ id }) => runOf(id, RANK, null));
    const memory = moduleMemory(modules, runs, 0);
    expect(memory.bytes).toBe(Math.max(...runs.map((run) => moduleMemory(modules, [run], 0).bytes)));
    const pool = await Pool.survey(tightKernels(), parts, memory, true);
    for (const run of runs) await pool.freely(() => runModule(pool, run, [1, 1]));
  });
});
