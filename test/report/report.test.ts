import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { VERSION } from "../../src/core/version.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { CAT, four, LEGO, open, RANK_1, report, right, three } from "../support/right-angles.ts";

describe("a report", () => {
  it("names tool, inputs, options and what was carried and skipped, in the user's order", async () => {
    const config = { base_model_name_or_path: "org/base", mystery: 1 };
    const extras = { "base_model.model.score.weight": [1], "base_model.model.q.base_layer.weight": [1] };
    const adapters = [
      await open("b", { q: three }, config, { extras }),
      await open("a", { q: four, k: three }, { base_model_name_or_path: "org/base" }),
    ];
    const found = await report(adapters, { extras: "first", weights: [1, 2], method: "cat", scale: 0.5, dtype: "f16" });
    expect(found).toMatchObject({
      version: 1,
      tool: `lora-lego ${VERSION}`,
      inputs: [
        { name: "b", sha256: null, weight: 1, baseModel: "org/base", modules: 1, unknownFields: ["mystery"] },
        { name: "a", sha256: null, weight: 2, baseModel: "org/base", modules: 2, unknownFields: [] },
      ],
      options: { method: "cat", target: { kind: "full" }, scale: 0.5, dtype: "f16", rankLayout: "uniform" },
      skipped: ["b: base_model.model.q.base_layer.weight"],
      carried: ["base_model.model.score.weight"],
    });
    expect(found.modules.map(({ name, kind, in: inputs, out }) => [name, kind, inputs, out])).toEqual([
      ["k", "linear", 2, 2],
      ["q", "linear", 2, 2],
    ]);
  });

  it("lists what was left out of those that take part: tensors of theirs, and modules with the reason", async () => {
    const extras = { "base_model.model.q.base_layer.weight": [1] };
    const adapters = [
      await open("kept", { q: three, k: three }),
      await open("gone", { q: three }, {}, { extras }),
      await open("beside", { q: four }, {}, { extras: { "base_model.model.score.weight": [1] } }),
    ];
    const { skipped, carried } = await report(adapters, { ...CAT, weights: [1, 0, 1], extras: "drop", exclude: ["k"] });
    expect(skipped).toEqual(["beside: base_model.model.score.weight", "k: left out by exclude k"]);
    expect(carried).toEqual([]);
  });

  it("keeps indices of inputs that are left out", async () => {
    const adapters = [await open("gone", { q: three }), await open("kept", { q: four })];
    const { modules, inputs } = await report(adapters, { ...LEGO, weights: [0, 1] });
    expect(inputs.map(({ weight }) => weight)).toEqual([0, 1]);
    expect(modules[0]).toMatchObject({ inputRanks: [null, 1], cosines: [null, 1], normRatio: 1, energy: 1 });
    expect(modules[0]!.clusters).toEqual([{ members: [[1, 0]], reweight: 1 }]);
  });

  it("fits its schema, and survives JSON", async () => {
    const found = await report(await right(), RANK_1);
    const copy = JSON.parse(JSON.stringify(found));
    expect(copy).toEqual(found);
    const schema = z.fromJSONSchema(
      JSON.parse(readFileSync(new URL("../../docs/report.schema.json", import.meta.url), "utf8")),
    );
    expect(schema.parse(copy)).toEqual(found);
    expect(schema.safeParse({ ...copy, more: 1 }).success).toBe(false);
    expect(schema.safeParse({ ...copy, totals: { ...copy.totals, rank: 1.5 } }).success).toBe(false);
  });

  it("tells the size of the file, and spends its time where it says", async () => {
    const { report: found, weights } = await mergeInMemory(await right(), RANK_1);
    expect(found.totals.bytes).toBe(weights.length);
    for (const seconds of Object.values(found.timings)) expect(seconds).toBeGreaterThanOrEqual(0);
    expect(found.timings.hash).toBe(0);
  });
});

describe("what a report says of the method", () => {
  it("is why it was chosen, or else what auto would take, if that differs", async () => {
    const adapters = await right();
    const said = async (recipe: Recipe) => {
      const { chosen, advice } = await report(adapters, recipe);
      return [chosen !== null, advice !== null];
    };
    expect(await said({})).toEqual([true, false]);
    expect(await said({ method: "average" })).toEqual([false, true]);
    expect(await said({ method: "tsv" })).toEqual([false, true]);
    expect(await said({ method: "tsv", scale: "auto" })).toEqual([false, false]);
  });

  it("names the step after it, if there is one", async () => {
    const adapters = await right();
    expect((await report(adapters, { ...CAT, after: "svc" })).options).toMatchObject({ after: "svc" });
    expect(Object.keys((await report(adapters, CAT)).options)).not.toContain("after");
  });

  it("has no inertia where nothing is clustered", async () => {
    const adapters = await right();
    expect((await report(adapters, CAT)).totals.inertia).toBeNull();
    expect((await report(adapters, LEGO)).totals.inertia).not.toBeNull();
  });
});
