import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { FORMAT_IDS } from "../../src/convert/formats.ts";
import { ENERGY_RULES, type Target } from "../../src/methods/method.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { RECIPE_FIELDS } from "../../src/recipe/recipe-fields.ts";
import { parseRecipe, type RecipeFile, type RecipeStep } from "../../src/recipe/recipe-file.ts";
import { recipeText } from "../../src/recipe/recipe-text.ts";

const text = fc.oneof(
  fc.string({ unit: "binary", minLength: 1 }),
  fc.constantFrom(
    "true",
    "no",
    "null",
    "~",
    "1e3",
    "0x1f",
    "- a",
    "a: b",
    "#c",
    " x ",
    "*",
    "&a",
    "2001-01-01",
    ".inf",
    "<<",
  ),
  fc.stringMatching(/^[\w./-]{1,12}$/),
);
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => value !== 0);
/** None below 0, and none that is lost in the sum. */
const weight = fc.oneof(fc.constant(0), fc.double({ min: 1e-5, max: 1e5, noNaN: true }));
const pattern = fc.constantFrom("q_proj", "layers.*.**", "**", "mlp.*_proj", "a b.c#", "'x'");
const target: fc.Arbitrary<Target> = fc.oneof(
  fc.record({ kind: fc.constant("rank" as const), rank: fc.integer({ min: 1 }) }),
  fc.record({ kind: fc.constant("share" as const), share: fc.double({ min: 0.001, max: 1, noNaN: true }) }),
  fc.record({
    kind: fc.constant("energy" as const),
    rule: fc.constantFrom(...ENERGY_RULES),
    threshold: fc.constant(1),
  }),
  fc.constant({ kind: "full" as const }),
  fc.record({ kind: fc.constant("budget" as const), rank: fc.integer({ min: 1 }) }),
);

/** One of the words that a field takes. */
const word = <Word extends string>(choices: Readonly<Record<Word, string>>): fc.Arbitrary<Word> =>
  fc.constantFrom(...(Object.keys(choices) as Word[]));

/** A recipe for this many adapters. */
const recipeFor = (count: number): fc.Arbitrary<Recipe> => {
  const weights = fc.array(weight, { minLength: count, maxLength: count });
  const all = fc.record(
    {
      method: fc.constant("lego" as const),
      options: fc.constantFrom({ gauge: "svd", effort: 0.5, outputReweight: false }, { seed: -3 }),
      target,
      weights,
      scale: number,
      dtype: word(RECIPE_FIELDS.dtype.choices),
      extras: word(RECIPE_FIELDS.extras.choices),
      allowPartial: fc.boolean(),
      rankLayout: word(RECIPE_FIELDS.rankLayout.choices),
      include: fc.array(pattern),
      exclude: fc.array(pattern),
      moduleWeights: fc.array(fc.record({ match: pattern, weights }), { minLength: 1 }),
      blockWeights: fc.array(fc.array(fc.constantFrom(0, 1), { minLength: 1 }), { minLength: count, maxLength: count }),
    },
    { requiredKeys: ["weights"] },
  );
  return all.map(({ method, options, ...rest }): Recipe => {
    if (method === undefined) return rest;
    return options === undefined ? { ...rest, method } : { ...rest, method, options };
  });
};

/** Steps of which each takes the result of the one before, or a single merge. */
const steps: fc.Arbitrary<RecipeStep[]> = fc
  .array(fc.array(text, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 })
  .chain((paths) =>
    fc.tuple(
      ...paths.map((own, i) => {
        const adapters = [...own.map((path) => ({ path })), ...(i === 0 ? [] : [{ step: `step_${i - 1}` }])];
        const name = paths.length === 1 ? null : `step_${i}`;
        return recipeFor(adapters.length).map((recipe): RecipeStep => ({ name, adapters, recipe }));
      }),
    ),
  );

describe("recipeText", () => {
  it("writes what parseRecipe reads back as it is", async () => {
    const to = fc.option(fc.constantFrom(...FORMAT_IDS));
    const file = fc.record({ steps, out: fc.option(text), to, report: fc.option(text) });
    await fc.assert(
      fc.asyncProperty(file, async (recipe: RecipeFile) => {
        const { placeOfAdapter: _, ...read } = await parseRecipe(recipeText(recipe), "r.yaml");
        expect(read).toEqual(recipe);
      }),
      { numRuns: 300 },
    );
  });

  it("is plain YAML, by hand", () => {
    const recipe: Recipe = {
      method: "cat",
      options: {},
      weights: [1, -0.5],
      moduleWeights: [{ match: "q.**", weights: [1, 0] }],
      blockWeights: [[1], [0, 0.5]],
    };
    const written = recipeText({
      steps: [{ name: null, adapters: [{ path: "math" }, { path: "my med" }], recipe }],
      out: "yes",
      to: null,
      report: null,
    });
    expect(written).toBe(`adapters:
  - math
  - path: "my med"
    weight: -0.5
method: cat
moduleWeights:
  - match: "q.**"
    weights: [1, 0]
blockWeights: [[1], [0, 0.5]]
out: "yes"
`);
    expect(parse(written)).toMatchObject({ adapters: ["math", { path: "my med", weight: -0.5 }], out: "yes" });
  });

  it("names its only step where that has a name, and leaves out the weight 1", () => {
    const step: RecipeStep = {
      name: "both",
      adapters: [{ step: "first" }, { path: "a\u0085b\u2028" }],
      recipe: { method: "lego", options: { gauge: "svd" }, target: { kind: "rank", rank: 2 }, weights: [1, 1] },
    };
    expect(recipeText({ steps: [step], out: null, to: "mlx", report: null })).toBe(`steps:
  - name: both
    adapters:
      - step: first
      - "a\\u0085b\\u2028"
    method: lego
    options:
      gauge: svd
    rank: 2
to: mlx
`);
  });
});
