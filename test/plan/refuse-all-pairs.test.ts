import { beforeAll, describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { RefusedError } from "../../src/core/errors.ts";
import { METHODS } from "../../src/methods/registry.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { linear, openPeft } from "../support/memory-folder.ts";

/** Two adapters with 4200 units together. */
let many: Adapter[] = [];

beforeAll(async () => {
  many = await Promise.all(["one", "two"].map((name) => openPeft(linear("q", 2100, 4, 4), { r: 2100 }, name)));
});

const RANK = { kind: "rank", rank: 3 } as const;

function refusal(recipe: object): string {
  try {
    makePlan(many, recipe as Recipe);
  } catch (error) {
    expect(error).toBeInstanceOf(RefusedError);
    return (error as Error).message;
  }
  return "";
}

describe("a module of more than 4096 units", () => {
  it("merges by methods that compare no pairs of them", () => {
    const ids = METHODS.filter(({ many }) => many !== undefined).map(({ id }) => id);
    expect(ids).toEqual(
      expect.arrayContaining(["lego", "svd", "average", "task_arithmetic", "linear", "ties", "ties_svd"]),
    );
    for (const method of ids) {
      const [module] = makePlan(many, { method, target: RANK } as Recipe).modules;
      expect(module!.memory.streamed).toBe(true);
    }
  });

  it("takes memory that does not grow with the square of the units", async () => {
    const recipe = { method: "lego", target: RANK } as const;
    const bytes = (inputs: readonly Adapter[]): number => makePlan(inputs, recipe).modules[0]!.memory.bytes;
    const ranks = (count: number) => openPeft(linear("q", 1000, 4, 4), { r: 1000 }, `${count}`);
    const adapters = await Promise.all(Array.from({ length: 20 }, (_, i) => ranks(i)));
    // Per unit: its factors, its row of inner products within the adapter, a strip, and the products with three centres.
    expect(bytes(adapters) - bytes(adapters.slice(0, 10))).toBeLessThan(10_000 * (16 * 1000 + 1000));
    expect(makePlan(adapters.slice(0, 4), recipe).modules[0]!.memory.streamed).toBe(false);
  });

  it("is refused by the others, naming those that merge it and what else leads on", () => {
    for (const { id, many: able, needs } of METHODS) {
      if (able !== undefined || needs.adapters !== undefined) continue;
      expect(refusal({ method: id, target: RANK })).toMatch(
        new RegExp(
          `^q has 4200 units over all adapters, and beyond 4096 ${id} would compare too many pairs of them; take a --method that compares none \\(lego, .*\\), or merge fewer adapters at a time and then the results\\.$`,
        ),
      );
    }
    expect(refusal({ method: "tsv" })).toContain("beyond 4096 tsv would compare");
  });

  it("merges by auto, which takes a method that compares none and says so", () => {
    const { method, scale, rank, chosen } = makePlan(many, {});
    expect([method, scale, rank]).toEqual(["lego", 1, 2100]);
    expect(chosen).toMatch(/^lego was chosen for 2 adapters: it merges modules of more than 4096 units, /);
    expect(refusal({ scale: "auto" })).toContain("a computed factor (--scale auto) would compare");
    // One that acts is brought to a rank as always.
    expect(makePlan(many, { target: RANK }, { acting: 1 }).method).toBe("svd");
  });

  it.each([
    [{ options: { gauge: "svd" } }, "lego's gauge svd would compare too many pairs of them; leave that out, or"],
    [{ options: { centre: "rank1" } }, "lego's centre rank1"],
    [{ options: { metric: "delta" } }, "lego's metric delta"],
    [{ options: { metric: "manhattan" } }, "lego's metric manhattan"],
    [{ options: { metric: "transport" } }, "lego's metric transport"],
    [{ target: { kind: "budget", rank: 3 } }, "a budget would compare"],
    [{ target: { kind: "energy", rule: "sv_fro", threshold: 0.9 } }, "a rank by singular values would compare"],
    [{ after: "svc" }, "--after svc would compare"],
    [{ scale: "auto" }, "a computed factor (--scale auto) would compare"],
    [{ target: { kind: "rank", rank: 4150 } }, "a result of 4150 would be too large; pass a smaller --rank, or"],
    [{ target: { kind: "full" } }, "a result of 4200 would be too large"],
  ] as const)("names what compares pairs in %o", (recipe, text) => {
    expect(refusal({ method: "lego", target: RANK, ...recipe })).toContain(text);
  });

  it("of one adapter is refused with what leads on", async () => {
    many = [await openPeft(linear("q", 4200, 4, 4), { r: 4200 }, "one")];
    expect(refusal({ method: "lego", target: RANK })).toContain("q has 4200 units, but at most 4096");
  });
});
