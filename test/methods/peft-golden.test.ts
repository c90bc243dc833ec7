import { describe, expect, it } from "vitest";
import { referenceKernels } from "../../src/kernels/reference.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { alignAdapters } from "../../src/methods/elementwise/alignment.ts";
import { byChance } from "../../src/methods/elementwise/by-chance.ts";
import type { Majority } from "../../src/methods/elementwise/consensus.ts";
import type { Draws } from "../../src/methods/elementwise/draws.ts";
import { elected, mergeFactors, summed } from "../../src/methods/elementwise/merge-factors.ts";
import type { MergedModule } from "../../src/methods/method.ts";
import { defaultsOf } from "../../src/methods/method.ts";
import { methodById } from "../../src/methods/registry.ts";
import type { Pool } from "../../src/units/pool.ts";
import type { UnitRows } from "../../src/units/unit-rows.ts";
import { goldenCases, goldenGroups } from "../support/golden-cases.ts";
import { maskedDraws } from "../support/masked-draws.ts";
import { type Factors, poolOf, relativeDifference } from "../support/pools.ts";

interface GoldenCase {
  readonly method: string;
  readonly options: { readonly density?: number; readonly majority?: Majority };
  /** As PEFT draws them: of every A_t, then of every B_t, one digit for each entry of the tensor as it is stored. */
  readonly masks?: readonly string[];
  readonly A: readonly (readonly number[])[];
  readonly B: readonly (readonly number[])[];
}

// Not copied, and so not among the cases: units that are zero in one half only (PEFT lets the other half into the cross terms), entries of
// equal magnitude (torch.topk keeps any), density 0 (DARE divides 0 by 0), and what PEFT gets wrong around this code: it leaves use_rslora
// in the config of the merged adapter.
const GROUPS = goldenGroups<GoldenCase>("peft-merge.json");
const CASES = goldenCases(GROUPS);
const TOLERANCE = 1e-6;
const SCRATCH = 4 << 20;

async function merge(
  pool: Pool,
  adapters: readonly Factors[],
  { method: id, options, masks }: GoldenCase,
): Promise<MergedModule> {
  const { density = 1, majority = "total" } = options;
  if (masks !== undefined) {
    const { adapters: inOrder } = alignAdapters(pool);
    const recorded = (tensor: number): Draws => {
      const drawn = inOrder.map(({ input }) => masks[tensor * adapters.length + input]!);
      return maskedDraws((t, index) => drawn[t]![index] === "1");
    };
    const rule = id === "dare_ties" ? elected({ majority, consensus: "peft" }) : summed;
    return mergeFactors(pool, byChance(recorded, density, "density"), rule);
  }
  const method = methodById(id);
  const totalWeight = adapters.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const all = { ...(defaultsOf(method) as object), ...options };
  return method.merge(pool, {
    rank: Number.POSITIVE_INFINITY,
    options: all,
    inputs: adapters.length,
    totalWeight,
    firstInput: 0,
  });
}

/** A (rank, in) and B (out, rank) of rows in kernel memory. */
function factorsOf({ count, a, b }: UnitRows, inputs: number, out: number): Pick<Factors, "A" | "B"> {
  return {
    A: Array.from({ length: count }, (_, c) => [...a.subarray(c * inputs, (c + 1) * inputs)]),
    B: Array.from({ length: out }, (_, o) => Array.from({ length: count }, (_, c) => b[c * out + o]!)),
  };
}

for (const kernels of [wasmKernels(), referenceKernels()]) {
  describe(`merging factors with ${kernels.backend} kernels equals PEFT's own code (1e-6)`, () => {
    it.each(CASES)("$name", async ({ adapters, expected }) => {
      const pool = await poolOf(kernels, adapters, false, null, SCRATCH);
      const merged = await merge(pool, adapters, expected);
      const { A, B } = factorsOf(merged.rows ?? (await pool.combine(merged.combinations!)), pool.in, pool.out);
      expect(relativeDifference(A, expected.A)).toBeLessThan(TOLERANCE);
      expect(relativeDifference(B, expected.B)).toBeLessThan(TOLERANCE);
    });

    it.each(GROUPS)("$name: the same delta where one scale serves the whole file", async ({ adapters, merged }) => {
      // PEFT's result for the scale 4 everywhere: its entries are those for the scale 1 times 2, and so is what a pool without the
      // scale gives, as the file it goes to has the scale 4.
      const ones = adapters.map((adapter) => ({ ...adapter, scale: 1 }));
      const fours = adapters.map((adapter) => ({ ...adapter, scale: 4 }));
      for (const expected of merged) {
        const results: Pick<Factors, "A" | "B">[] = [];
        for (const inputs of [ones, fours]) {
          const pool = await poolOf(kernels, inputs, false, null, SCRATCH);
          const { rows, combinations } = await merge(pool, inputs, expected);
          results.push(factorsOf(rows ?? (await pool.combine(combinations!)), pool.in, pool.out));
        }
        const doubled = (rows: Factors["A"]): number[][] => rows.map((row) => row.map((x) => 2 * x));
        expect(relativeDifference(results[1]!.A, doubled(results[0]!.A))).toBeLessThan(TOLERANCE);
        expect(relativeDifference(results[1]!.B, doubled(results[0]!.B))).toBeLessThan(TOLERANCE);
      }
    });
  });
}
