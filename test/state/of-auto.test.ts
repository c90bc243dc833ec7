import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { isOfAuto } from "../../web/state/of-auto.ts";
import { linear, openPeft } from "../support/memory-folder.ts";

/** An adapter of waves that no other one has. */
function adapterOf(t: number, rank: number): Promise<Adapter> {
  const tensors = linear("q", rank, 12, 10).map((tensor) => {
    const values = Float32Array.from({ length: tensor.data.length / 4 }, (_, i) => Math.sin((t + 1) * (i + 1)));
    return { ...tensor, data: new Uint8Array(values.buffer) };
  });
  return openPeft(tensors, { r: rank, lora_alpha: rank }, `adapter-${t}`);
}

/** Whether a merge of some adapters counts as auto's. */
async function counts(adapters: number, recipe: Recipe, rank = 2): Promise<boolean> {
  const opened = await Promise.all(Array.from({ length: adapters }, (_, t) => adapterOf(t, rank)));
  return isOfAuto((await mergeInMemory(opened, recipe)).report);
}

describe("a result is what auto makes", () => {
  it.each<[string, Recipe, boolean]>([
    ["auto", { method: "auto" }, true],
    ["its method, factor and rank", { method: "tsv", scale: "auto", target: { kind: "rank", rank: 4 } }, true],
    ["its method and factor at that method's own rank", { method: "tsv", scale: "auto" }, false],
    ["its method as merged", { method: "tsv" }, false],
    ["its method with a chosen factor", { method: "tsv", scale: 0.5 }, false],
    ["auto with a chosen factor", { method: "auto", scale: 0.5 }, false],
    ["another method with a computed factor", { method: "svd", scale: "auto" }, false],
    ["the method for one adapter, where the others have weight 0", { method: "svd", weights: [1, 0, 0] }, true],
    ["another method for one adapter", { method: "lego", weights: [1, 0, 0] }, false],
  ])("by %s", async (_, recipe, expected) => {
    expect(await counts(3, recipe)).toBe(expected);
  });

  it.each<[string, number, number, boolean]>([
    ["its own rank, for each adapter where these are more", 5, 5, true],
    ["the adapters' rank where more are merged", 5, 2, false],
    ["twice the adapters' rank where that is more", 3, 4, true],
    ["a smaller rank", 2, 1, false],
  ])("at %s", async (_, adapters, rank, expected) => {
    const target = { kind: "rank", rank } as const;
    expect(await counts(adapters, { method: "auto", target })).toBe(expected);
  });

  it("by lego as merged where a module has more than 4096 units", async () => {
    const target = { kind: "rank", rank: 2 } as const;
    expect(await counts(5, { method: "lego", target }, 820)).toBe(true);
    expect(await counts(5, { method: "lego", scale: 0.5, target }, 820)).toBe(false);
  });

  it("not of one adapter, which is not merged", async () => {
    expect(await counts(1, { method: "auto" })).toBe(false);
  });
});
