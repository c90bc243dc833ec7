import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { newestName } from "../../src/adapter/names/renamed.ts";
import { RefusedError } from "../../src/core/errors.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { openAdapters } from "../../src/node/input/adapter-path.ts";
import { underOneName } from "../../src/plan/one-name.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { decodeAdapter, openPico, type PicoAdapter, randomAdapter } from "../support/pico.ts";

const BODIES = ["model.language_model.", "language_model.model.", "model."];

/** A random adapter of these modules of a language model's body, as one release names them. */
function adapterOf(name: string, seed: number, body: string, rest: readonly string[], more: Partial<PicoAdapter> = {}) {
  const modules = Object.fromEntries(rest.map((path) => [`${body}layers.${path}`, { in: 4, out: 3 }]));
  return openPico(name, { ...randomAdapter(seed, { modules }), ...more });
}

async function merged(adapters: readonly Adapter[]) {
  const { config, weights, report } = await mergeInMemory(adapters, {
    method: "cat",
    dtype: "f32",
    allowPartial: true,
  });
  return { report, ...decodeAdapter(JSON.stringify(config), weights) };
}

describe("adapters that name one module as two releases do", () => {
  it("are merged as one, under the newest names, with a warning", async () => {
    const old = await adapterOf("old", 1, "model.", ["0.q_proj", "0.v_proj"]);
    const young = await adapterOf("young", 2, "model.language_model.", ["0.q_proj"]);
    const plain = await adapterOf("young", 2, "model.", ["0.q_proj"]);
    const both = await merged([old, young]);
    expect([...both.modules.keys()].sort()).toEqual([
      "model.language_model.layers.0.q_proj",
      "model.language_model.layers.0.v_proj",
    ]);
    expect(both.report.warnings).toEqual([
      expect.objectContaining({
        id: "renamed-modules",
        text: expect.stringMatching(
          /^old names a module model\.layers\.0\.q_proj and young names it model\.language_model\.layers\.0\.q_proj,.*\.$/,
        ),
      }),
    ]);
    // The values are those of two adapters that agree.
    const alike = await merged([old, plain]);
    for (const [name, { delta }] of alike.modules) expect(both.modules.get(newestName(name))!.delta).toEqual(delta);
    expect(alike.report.warnings).toEqual([]);
  });

  it("all count unless it is said which do, and names that no release changed stay", async () => {
    const [old, young] = [
      await adapterOf("old", 1, "model.", ["0.q_proj"]),
      await adapterOf("young", 2, "model.language_model.", ["0.q_proj"]),
    ];
    const { adapters } = underOneName([old, young]);
    expect(adapters.map(({ modules }) => [...modules.keys()])).toEqual(
      Array(2).fill(["model.language_model.layers.0.q_proj"]),
    );
    const plain = await openPico("plain", randomAdapter(3, { modules: { "h.0.attn": { in: 4, out: 3 } } }));
    const same = underOneName([plain, plain]);
    expect(same.adapters[0]).toBe(plain);
    expect(same.warnings).toEqual([]);
  });

  it("never give two names of one module, in any mixture and order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ body: fc.constantFrom(...BODIES), both: fc.boolean() }), { minLength: 2, maxLength: 4 }),
        async (shapes) => {
          const adapters = await Promise.all(
            shapes.map(({ body, both }, i) => adapterOf(`a${i}`, i, body, both ? ["0.q", "1.q"] : ["0.q"])),
          );
          const plan = makePlan(adapters, { allowPartial: true });
          const names = plan.modules.map(({ name }) => name);
          expect(new Set(names.map(newestName)).size).toBe(names.length);
          const newest = BODIES.find((body) => shapes.some((shape) => shape.body === body))!;
          for (const name of names) expect(name.startsWith(`${newest}layers.`)).toBe(true);
          const turned = makePlan(adapters.toReversed(), { allowPartial: true });
          expect(turned.modules.map(({ name }) => name)).toEqual(names);
          const warned = new Set(shapes.map(({ body }) => body)).size > 1;
          expect(plan.warnings.filter(({ id }) => id === "renamed-modules")).toHaveLength(warned ? 1 : 0);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("have their heads under one name too, in the tensors and in the config", async () => {
    const head = (key: string): Partial<PicoAdapter> => ({
      extras: { [`base_model.model.${key}.weight`]: [[1, 2]] },
      config: { modules_to_save: [key], target_modules: ["q_proj", "language_model.model.layers.0.q_proj"] },
    });
    const old = await adapterOf("old", 1, "language_model.model.", ["0.q_proj"], head("language_model.lm_head"));
    const young = await adapterOf("young", 2, "model.language_model.", ["0.q_proj"], head("lm_head"));
    const { config, weights } = await mergeInMemory([old, young], { extras: "average" });
    const { extras } = decodeAdapter(JSON.stringify(config), weights);
    expect([...extras.keys()]).toEqual(["base_model.model.lm_head.weight"]);
    expect(config).toMatchObject({ modules_to_save: ["lm_head"] });
    expect(JSON.stringify(config)).not.toContain("language_model.model");
  });

  it("are refused where the shapes differ, and where one adapter has both names", async () => {
    const one = await adapterOf("one", 1, "model.", ["0.q"]);
    const wide = await openPico(
      "wide",
      randomAdapter(2, { modules: { "model.language_model.layers.0.q": { in: 5, out: 3 } } }),
    );
    expect(() => makePlan([one, wide], { allowPartial: true })).toThrow(/one and wide adapt different bases/);
    const twice = await openPico(
      "twice",
      randomAdapter(3, {
        modules: { "model.layers.0.q": { in: 4, out: 3 }, "model.language_model.layers.0.q": { in: 4, out: 3 } },
      }),
    );
    for (const adapters of [[twice], [one, twice], [twice, one]]) {
      expect(() => makePlan(adapters, {})).toThrow(RefusedError);
      expect(() => makePlan(adapters, {})).toThrow(/^twice holds model\..*two names for one module.*; remove/);
    }
  });

  describe("of which one is left out", () => {
    const YOUNG = "model.language_model.layers.0.q_proj";
    const open = async () => [
      await adapterOf("old", 1, "model.", ["0.q_proj", "0.v_proj"]),
      await adapterOf("young", 2, "model.language_model.", ["0.q_proj", "0.v_proj"]),
    ];
    const names = (adapters: readonly Adapter[], recipe: Recipe): string[] =>
      makePlan(adapters, recipe).modules.map(({ name }) => name);

    it.each([[{ weights: [1, 0] }], [{ moduleWeights: [{ match: "**", weights: [1, 0] }] }]])(
      "keep the names of those that have a weight: %j",
      async (recipe) => {
        const adapters = await open();
        const { warnings, leftOut } = makePlan(adapters, recipe);
        expect(names(adapters, recipe)).toEqual(["model.layers.0.q_proj", "model.layers.0.v_proj"]);
        expect(warnings.map(({ id }) => id)).toEqual(["left-out"]);
        expect(leftOut).toEqual([]);
        expect(names(adapters, { ...recipe, exclude: ["model.layers.0.q_proj"] })).toEqual(["model.layers.0.v_proj"]);
      },
    );

    it("rename where a module's own weights bring it back, by either name", async () => {
      for (const match of [YOUNG, "model.language_model.layers.*.q_proj", "q_proj"]) {
        const recipe = { weights: [0, 1], moduleWeights: [{ match, weights: [1, 1] }] };
        expect(names(await open(), recipe)).toContain(YOUNG);
        expect(makePlan(await open(), recipe).warnings.map(({ id }) => id)).toEqual(["renamed-modules"]);
      }
    });

    it("refuse nothing for it: two names of one module, or what a merge cannot apply", async () => {
      const [old] = await open();
      const sizes = { "model.layers.0.q_proj": { in: 4, out: 3 }, [YOUNG]: { in: 4, out: 3 } };
      const twice = await openPico("twice", randomAdapter(3, { modules: sizes }));
      const dora = await openPico("dora", randomAdapter(4, { config: { use_dora: true } }));
      for (const odd of [twice, dora]) {
        expect(names([odd, old!], { weights: [0, 1] })).toEqual(["model.layers.0.q_proj", "model.layers.0.v_proj"]);
        expect(() => makePlan([odd, old!], { allowPartial: true })).toThrow(RefusedError);
      }
    });
  });

  const CASES = fileURLToPath(new URL("../../../shared/cases/llm/mm-rename/", import.meta.url));
  const absent = !existsSync(CASES);
  it.skipIf(absent)(`are those that users have${absent ? ` (skipped: there is no ${CASES})` : ""}`, async () => {
    for (const pair of [
      ["old", "new"],
      ["new", "older"],
      ["older", "old"],
      ["new", "old", "older"],
    ]) {
      const opened = await openAdapters(pair.map((name) => CASES + name));
      const { modules, warnings } = makePlan(
        opened.map(({ adapter }) => adapter),
        {},
      );
      for (const { close } of opened) close();
      expect(modules).toHaveLength(4);
      for (const { parts } of modules) expect(parts).toHaveLength(pair.length);
      expect(warnings.map(({ id }) => id)).toEqual(["renamed-modules"]);
    }
  });
});
