import { describe, expect, it } from "vitest";
import { referenceKernels } from "../../src/kernels/reference.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { goldenCases, goldenGroups } from "../support/golden-cases.ts";
import { mergeFactors } from "../support/merge-factors.ts";
import { factorsDelta, relativeDifference } from "../support/pools.ts";

interface GoldenCase {
  readonly method: string;
  readonly options: object;
  readonly delta?: readonly (readonly number[])[];
  /** Of della_linear: the probabilities by which mergekit keeps each entry of the one delta. */
  readonly kept?: readonly (readonly number[])[];
}

const CASES = goldenCases(goldenGroups<GoldenCase>("mergekit.json"));
/** Whatever the methods yield. */
const WHOLE = { kind: "rank", rank: 64 } as const;

for (const kernels of [wasmKernels(), referenceKernels()]) {
  describe(`merging deltas with ${kernels.backend} kernels equals mergekit on whole tensors (1e-5)`, () => {
    it.each(CASES.filter(({ expected: { delta } }) => delta !== undefined))("$name", async ({ adapters, expected }) => {
      const { method, options, delta } = expected;
      const found = await mergeFactors(kernels, method, adapters, WHOLE, options);
      expect(relativeDifference(found, delta!)).toBeLessThan(1e-5);
    });
  });
}

describe("della_linear keeps an entry by mergekit's probability, and divides it by that (1e-5)", () => {
  it.each(CASES.filter(({ expected: { kept } }) => kept !== undefined))("$name", async ({ adapters, expected }) => {
    const { method, options, kept } = expected;
    const delta = factorsDelta(adapters[0]!);
    const whole = delta.map((row, o) => row.map((value, x) => value / kept![o]![x]!));
    const found = await mergeFactors(wasmKernels(), method, adapters, WHOLE, options);
    const isKept = (o: number, x: number): boolean => Math.abs(found[o]![x]!) > 1e-3 * Math.abs(whole[o]![x]!);
    const masked = whole.map((row, o) => row.map((value, x) => (isKept(o, x) ? value : 0)));
    expect(relativeDifference(found, masked)).toBeLessThan(1e-5);
    const share = masked.flat().filter((value) => value !== 0).length / masked.flat().length;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.9);
  });
});
