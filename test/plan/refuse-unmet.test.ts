import { describe, expect, it } from "vitest";
import { RefusedError, UsageError } from "../../src/core/errors.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { linear, openPeft } from "../support/memory-folder.ts";

const one = (name: string) => openPeft(linear("q"), {}, name);

describe("what a method needs of its adapters", () => {
  it("is their number", async () => {
    const adapters = [await one("one"), await one("two"), await one("three")];
    expect(() => makePlan(adapters, { method: "slerp" })).toThrow(UsageError);
    expect(() => makePlan(adapters, { method: "slerp" })).toThrow("slerp merges 2 adapters, but 3 are given; pass 2");
    expect(() => makePlan(adapters, { method: "slerp", weights: [1, 0, 1] })).not.toThrow();
  });

  it("is one rank, in each module among those that have it", async () => {
    const ranked = (name: string, q: number, k: number) =>
      openPeft([...linear("q", q), ...linear("k", k)], { r: q, rank_pattern: { k } }, name);
    const [one, two, three] = [await ranked("one", 2, 2), await ranked("two", 2, 2), await ranked("three", 2, 3)];
    expect(() => makePlan([one, two], { method: "linear" })).not.toThrow();
    const refused = () => makePlan([one, two, three], { method: "linear" });
    expect(refused).toThrow(RefusedError);
    expect(refused).toThrow("linear needs adapters of equal rank, but k has rank 2 in one and 3 in three; ");
    expect(() => makePlan([one, two, three], { method: "svd" })).not.toThrow();
  });
});
