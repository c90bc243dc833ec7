import { describe, expect, it } from "vitest";
import { methodById } from "../../src/methods/registry.ts";
import { FIXES } from "../../src/report/fixes.ts";
import { moreRoom } from "../../src/report/more-room.ts";
import { fittingRank, isCramped, isMixed, isTooHigh, isTooLow, rankNeeds } from "../../src/report/rank-rule.ts";

const needs = (usual: number, forEnergy: number | null, acting: number, most: number, clusters = false) => ({
  usual,
  forEnergy,
  acting,
  most,
  clusters,
});
const module = (...ranks: readonly (number | null)[]) => ({
  parts: ranks.flatMap((rank, input) => (rank === null ? [] : [{ input, module: { rank, in: 64, out: 48 } }])),
});

describe("the rank that fits", () => {
  it.each([
    ["is the usual one where that holds enough", needs(6, 4, 3, 18), 6, "usual"],
    ["is the usual one where the energy is not known", needs(6, null, 6, 36), 6, "usual"],
    ["is the one that holds enough of the sum", needs(4, 7, 2, 8), 7, "energy"],
    ["is twice the usual one below the number of adapters", needs(6, 4, 7, 42), 12, "room-for-each"],
    ["is their number where that is more", needs(2, null, 7, 14), 7, "room-for-each"],
    ["is no more than there are units", needs(2, null, 3, 3), 3, "room-for-each"],
    ["is the usual one where all units are kept", needs(3, null, 4, 3), 3, "usual"],
    ["is no more than the method writes", needs(6, 20, 7, 9), 9, "energy"],
    ["is what the method writes where an adapter has more", needs(6, 5, 3, 4), 4, "usual"],
    ["needs no direction for each where units are clustered", needs(6, 5, 7, 42, true), 6, "usual"],
    ["holds enough of the sum where units are clustered too", needs(6, 8, 7, 42, true), 8, "energy"],
    ["is what holds enough where that is more than each needs", needs(4, 20, 7, 28), 20, "energy"],
  ] as const)("%s", (_, given, rank, because) => {
    expect(fittingRank(given)).toEqual({ rank, because });
  });

  it("has no finding about itself, and none is above it or below it in both ways", () => {
    const given = needs(6, 8, 9, 54);
    const { rank } = fittingRank(given);
    expect([isCramped(0, rank, given), isTooHigh(1, rank, given)]).toEqual([false, false]);
    expect([isCramped(0, 8, given), isTooHigh(1, rank + 1, given)]).toEqual([true, true]);
  });
});

describe("more room for a sum", () => {
  it("is the rank that holds enough, also where only some modules have less", () => {
    expect(moreRoom(needs(6, 8, 2, 12), 6, 6, "tsv")).toEqual([FIXES.largerRank(8, 6)]);
    expect(moreRoom(needs(6, 8, 2, 12), 8, null, "tsv")).toEqual([FIXES.largerRank(8, 8)]);
  });

  it("is the largest that the method writes where that is less, and none at that", () => {
    expect(moreRoom(needs(6, 8, 2, 7), 6, 6, "tsv")).toEqual([FIXES.mostRank(7, "tsv")]);
    expect(moreRoom(needs(6, 8, 2, 6), 6, null, "linear")).toEqual([]);
  });

  it("is none where as much was asked for, of which the method left less", () => {
    expect(moreRoom(needs(6, 8, 2, 12), 4, 8, "dc_merge")).toEqual([]);
    expect(moreRoom(needs(6, 8, 2, 12), 8, 8, "model_stock")).toEqual([]);
  });
});

describe("the usual rank", () => {
  it("is the largest of an adapter that acts, and LEGO's where units are clustered", () => {
    const usualRank = (clusters: boolean, modules: ReturnType<typeof module>[], acts: boolean[], alike: boolean) =>
      rankNeeds({ modules, acts, alike, forEnergy: null }, methodById(clusters ? "lego" : "tsv")).usual;
    const modules = [module(4, 8, 16), module(4, null, 16)];
    expect(usualRank(false, modules, [true, true, false], false)).toBe(8);
    // The geometric mean of 4, 8 and 16.
    expect(usualRank(true, modules, [true, true, true], false)).toBe(8);
    expect(usualRank(true, [module(6, 6, 6)], [true, true, true], true)).toBe(12);
    expect(usualRank(true, [module(6, 6, 6)], [true, false, false], true)).toBe(6);
  });
});

it("too little is less than nine tenths, however it is added up", () => {
  expect([0.9, 0.3 * 3, 1 - 0.1].map(isTooLow)).toEqual([false, false, false]);
  expect(isTooLow(0.899)).toBe(true);
});

describe("clusters mix adapters", () => {
  const purity = (times: number) => ({ purity: times * 0.4, chance: 0.4, deviation: 0 });
  const given = needs(12, null, 7, 42, true);

  it("below three quarters of chance's purity, whatever the rank", () => {
    expect(isMixed({ purity: purity(0.74), alike: false }, 20, given)).toBe(true);
    expect(isMixed({ purity: purity(0.76), alike: true }, 6, given)).toBe(false);
  });

  it("where they are not known, below the rank that fits adapters that began alike", () => {
    const unknown = (alike: boolean, rank: number, own = given) => isMixed({ purity: null, alike }, rank, own);
    expect([unknown(true, 6), unknown(true, 12), unknown(false, 6)]).toEqual([true, null, null]);
    expect(unknown(true, 6, { ...given, clusters: false })).toBeNull();
  });
});
