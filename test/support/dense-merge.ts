import { moduleMemory } from "../../src/methods/module-memory.ts";
import { methodById } from "../../src/methods/registry.ts";
import { Pool } from "../../src/units/pool.ts";
import type { UnitRows } from "../../src/units/unit-rows.ts";
import { tightKernels } from "./kernels.ts";
import { mergePool } from "./merge-factors.ts";
import { deltaOf, type Factors, partOf } from "./pools.ts";

/** A matrix, row by row. */
export type Rows = readonly (readonly number[])[];

/** An adapter with this delta, in rank `in`: A is the identity. */
export function adapterOf(delta: Rows, weight = 1): Factors {
  const inputs = delta[0]!.length;
  const A = Array.from({ length: inputs }, (_, i) => Array.from({ length: inputs }, (_, x) => (x === i ? 1 : 0)));
  return { A, B: delta, weight };
}

const kernels = tightKernels();

/** Merge by a method in exactly the memory that it names. */
export async function mergeTightly(
  id: string,
  adapters: readonly Factors[],
  rank: number,
  options: object = {},
): Promise<{ rows: UnitRows; residual: number | undefined; delta: number[][] }> {
  const method = methodById(id);
  const parts = adapters.map(partOf);
  const modules = parts.map(({ module }) => module);
  const run = { method, target: { kind: "rank", rank }, after: null } as const;
  const pool = await Pool.survey(kernels, parts, moduleMemory(modules, [run], 0), true);
  const { merged, rows } = await mergePool(pool, method, adapters, rank, options);
  const [inputs, out] = [pool.in, pool.out];
  return { rows, residual: merged.residual, delta: deltaOf(rows, inputs, out) };
}
