import { describe, expect, it } from "vitest";
import { effectiveRank, MeanSpectrum } from "../../src/figures/spectrum.ts";

describe("effectiveRank", () => {
  it("is 1 for one direction, n for n equal ones, 0 for none", () => {
    expect(effectiveRank([7])).toBe(1);
    expect(effectiveRank([3, 0, 0])).toBe(1);
    for (const n of [2, 5, 16]) expect(effectiveRank(Array(n).fill(0.3))).toBeCloseTo(n, 12);
    expect(effectiveRank([])).toBe(0);
    expect(effectiveRank([0, 0])).toBe(0);
  });

  it("is exp of the entropy, by hand", () => {
    // Shares 1/2, 1/4, 1/4 have the entropy 3/2 ln 2.
    expect(effectiveRank([2, 1, 1])).toBeCloseTo(2 ** 1.5, 12);
  });

  it("does not depend on scale or order", () => {
    expect(effectiveRank([1e-20, 4e-20, 2e-20])).toBeCloseTo(effectiveRank([4, 2, 1]), 12);
  });
});

describe("MeanSpectrum", () => {
  it("is the mean of sigma_j / sigma_1, shorter spectra ending in zeros and zero deltas left out", () => {
    const mean = new MeanSpectrum();
    expect(mean.values).toEqual([]);
    for (const sigma of [[4, 2, 1], [2], [], [0]]) mean.add(sigma);
    expect(mean.values).toEqual([1, 0.25, 0.125]);
  });

  it("keeps the first 64 values", () => {
    const mean = new MeanSpectrum();
    mean.add(Array<number>(100).fill(3));
    expect(mean.values).toEqual(Array(64).fill(1));
  });
});
