import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { mergeFactors } from "../support/merge-factors.ts";
import { type Factors, relativeDifference } from "../support/pools.ts";

// What the authors' own code makes of tiny adapters, in f64 (tools/golden/dc_merge.py and ctm.py).
const read = <Golden>(name: string): Golden =>
  JSON.parse(readFileSync(new URL(`../golden/${name}`, import.meta.url), "utf8")) as Golden;
const kernels = wasmKernels();
const TOLERANCE = 1e-5;

describe("dc_merge", () => {
  const { adapters, probe, merged } = read<{
    adapters: readonly Required<Factors>[];
    probe: readonly (readonly number[])[];
    merged: readonly { options: object; norm: number; probed: number[][] }[];
  }>("dc-merge.json");
  const scaled = adapters.map((adapter) => ({ ...adapter, scale: 64 ** -2 }));

  it.each(merged.map((each) => [JSON.stringify(each.options), each] as const))(
    "is what the authors' code makes with %s (1e-5)",
    async (_, { options, norm, probed }) => {
      const delta = await mergeFactors(kernels, "dc_merge", scaled, { kind: "full" }, options);
      const found = delta.map((row) =>
        probe[0]!.map((_, p) => row.reduce((sum, value, i) => sum + value * probe[i]![p]!, 0)),
      );
      expect(Math.hypot(...delta.flat()) / norm).toBeCloseTo(1, 5);
      expect(relativeDifference(found, probed)).toBeLessThan(TOLERANCE);
    },
  );
});

describe("ctm", () => {
  const { adapters, merged } = read<{
    adapters: readonly Required<Factors>[];
    merged: readonly {
      rank: number;
      beta: number;
      rule: "ties" | "sum";
      topK: number | null;
      scale: number;
      delta: number[][];
    }[];
  }>("ctm.json");

  it.each(merged.map((each) => [`rank ${each.rank}, beta ${each.beta}, ${each.rule} ${each.topK}`, each] as const))(
    "is what the authors' code makes at %s (1e-5)",
    async (_, { rank, beta, rule, topK, scale, delta }) => {
      // Their mask keeps one entry more than the share says.
      const density = topK === null ? 1 : (Math.floor((rank * rank * topK) / 100) + 1) / (rank * rank);
      const options = { beta, rule, density };
      const found = await mergeFactors(kernels, "ctm", adapters, { kind: "rank", rank }, options);
      const expected = delta.map((row) => row.map((value) => value / scale));
      expect(relativeDifference(found, expected)).toBeLessThan(TOLERANCE);
    },
  );
});
