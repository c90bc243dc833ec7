import { describe, expect, it } from "vitest";
import { RefusedError } from "../../src/core/errors.ts";
import { scaledUnit } from "../../src/linalg/combination.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { defineMethod } from "../../src/methods/define-method.ts";
import { METHODS, methodById, moduleOf, registerMethod } from "../../src/methods/registry.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { parseRecipe } from "../../src/recipe/recipe-file.ts";
import { openPico } from "../support/pico.ts";

/** A recipe as plain JavaScript has it: types do not know these methods. */
const by = (method: string, options: object = {}): Recipe => ({ method, options }) as Recipe;

const FACTS = { title: "Sum, times a gain", reference: "here", dependsOn: "delta", weights: "linear" } as const;

const louder = (id: string) =>
  defineMethod({
    ...FACTS,
    id,
    single: "changes",
    parameters: {
      gain: { type: "number", above: 0, default: 2, description: "what deltas are multiplied by" },
      sign: { type: "choice", choices: ["keep", "flip"], default: "keep", description: "the sign of the result" },
    },
    merge: (pool, { options: { gain, sign } }) => ({
      combinations: Array.from(pool.weights, (weight, i) =>
        scaledUnit(i, 1, weight * gain * (sign === "flip" ? -1 : 1)),
      ),
      rows: null,
    }),
  });

const one = (): ReturnType<typeof openPico> =>
  openPico("one", { modules: { "m.q_proj": { A: [[1, 2]], B: [[3], [0]] } } });
const two = (): ReturnType<typeof openPico> =>
  openPico("two", { modules: { "m.q_proj": { A: [[0, 1]], B: [[0], [5]] } } });

describe("registerMethod", () => {
  it("makes a method known to plans, merges, recipe files and lists", async () => {
    const method = registerMethod(louder("test_louder"));
    expect(methodById("test_louder")).toBe(method);
    expect(METHODS.at(-1)).toBe(method);
    const adapters = [await one(), await two()];
    expect(makePlan(adapters, by("test_louder")).options).toEqual({ gain: 2, sign: "keep" });
    const { report } = await mergeInMemory(adapters, { ...by("test_louder", { gain: 3 }), weights: [1, 2] });
    // |3 D_1 + 6 D_2|: D_1 = [[3, 6], [0, 0]], D_2 = [[0, 0], [0, 5]]; the mean norm of the inputs is (sqrt(45) + 5) / 2.
    expect(report.modules[0]!.normRatio).toBeCloseTo((2 * Math.hypot(9, 18, 30)) / (Math.sqrt(45) + 5), 5);
    const { steps } = await parseRecipe(
      "adapters: [one, two]\nmethod: test_louder\noptions: { sign: flip }\n",
      "r.yaml",
    );
    expect(steps[0]!.recipe.options).toEqual({ sign: "flip" });
  });

  it("checks the options of such a method like any other's", async () => {
    registerMethod(louder("test_checked"));
    const adapters = [await one()];
    const plan = (options: object) => () => makePlan(adapters, by("test_checked", options));
    expect(plan({ gain: -1 })).toThrow(/gain .* above 0/);
    expect(plan({ gian: 1 })).toThrow(/gian.*did you mean gain/);
    expect(plan({ sign: "flop" })).toThrow(/sign.*keep, flip/);
  });

  it("refuses an id that is taken, and a module that is no URL", () => {
    expect(() => registerMethod(louder("lego"))).toThrow('There is already a method "lego"');
    expect(() => registerMethod(louder("test_no_url"), { module: "method.mjs" })).toThrow(
      /not a URL; pass import.meta.url/,
    );
    expect(() => methodById("test_no_url")).toThrow(/There is no method/);
  });

  it("knows what a worker must import", () => {
    registerMethod(louder("test_with_module"), { module: new URL("file:///method.mjs") });
    registerMethod(louder("test_without_module"));
    expect(["lego", "test_with_module", "test_without_module"].map(moduleOf)).toEqual([
      undefined,
      "file:///method.mjs",
      null,
    ]);
  });

  it.each([
    ["an id that is no id", { id: "My Method" }, /id of a method is "My Method"/],
    ["no title", { title: "" }, /test_bad has no title/],
    ["a word that is no choice", { dependsOn: "deltas" }, /"deltas" as dependsOn.*one of delta, factors/],
    ["no function", { fullRank: undefined }, /no function fullRank/],
    ["no parameters", { parameters: undefined }, /undefined as parameters, but it must be an object/],
    ["no needs", { needs: null }, /null as needs, but it must be an object/],
    ["memory that is no function", { scratchBytes: 3 }, /3 as scratchBytes, but it must be a function/],
    ["a way to resize that is no text", { resizes: 5 }, /5 as resizes/],
    ["a preset of no parameter", { presets: { p: { nope: 1 } } }, /preset p .* 1 as nope, which is not a parameter/],
    ["a preset out of bounds", { presets: { p: { sign: "flop" } } }, /"flop" as sign, which must be one of keep, flip/],
    ["an option that is not in camelCase", { parameters: { "a-b": {} } }, /a-b .*camelCase/],
    ["a type that there is not", { parameters: { x: { type: "text" } } }, /type "text".*choice, boolean/],
    ["no choices", { parameters: { x: { type: "choice", choices: [], default: "" } } }, /has no choices/],
    ["no description", { parameters: { x: { type: "number", default: 1 } } }, /no description/],
    [
      "a default that breaks its bounds",
      { parameters: { x: { type: "number", default: 1, most: 0, description: "x" } } },
      /default 1, but it must be a finite number, at most 0/,
    ],
  ])("refuses a method with %s", (_, wrong, message) => {
    expect(() => registerMethod({ ...louder("test_bad"), ...(wrong as object) })).toThrow(message);
    expect(METHODS.some(({ id }) => id === "test_bad")).toBe(false);
  });
});

describe("a registered method that goes wrong", () => {
  let n = 0;
  const mergeBy = async (merge: () => unknown): Promise<unknown> => {
    const id = `test_wrong_${n++}`;
    registerMethod({ ...louder(id), merge: merge as never });
    return mergeInMemory([await one()], { method: id } as Recipe).catch((error: unknown) => error);
  };

  it.each<[string, () => unknown, RegExp]>([
    [
      "throws",
      () => {
        throw new TypeError("boom");
      },
      /^The method test_wrong_\d failed \(TypeError: boom\)/,
    ],
    ["gives nothing", () => undefined, /neither combinations .* nor rows/],
    ["gives rows of another size", () => ({ combinations: null, rows: { count: 1, a: [1], b: [1] } }), /neither/],
    ["gives a unit that there is not", () => ({ combinations: [scaledUnit(9999, 1, 1)], rows: null }), /member 9999/],
    ["gives no units", () => ({ combinations: [{}], rows: null }), /without as many coefficients/],
    ["gives NaN", () => ({ combinations: [scaledUnit(0, Number.NaN, 1)], rows: null }), /not finite/],
  ])("is refused by its name where it %s", async (_, merge, message) => {
    const error = await mergeBy(merge);
    expect(error).toBeInstanceOf(RefusedError);
    expect((error as Error).message).toMatch(message);
  });
});

describe("defineMethod", () => {
  it("fills in what most methods share", () => {
    const method = defineMethod({
      ...FACTS,
      id: "x",
      single: "exact",
      merge: () => ({ combinations: [], rows: null }),
    });
    expect(method).toMatchObject({ needs: {}, parameters: {}, yields: "combinations", cut: "svd" });
    expect(method.defaultTarget(4, [[4]])).toEqual({ kind: "full" });
    expect(method.fullRank([2, 3], { in: 9, out: 9 })).toBe(5);
  });

  it("types options by the parameters", () => {
    defineMethod({
      ...FACTS,
      id: "x",
      single: "exact",
      parameters: {
        on: { type: "boolean", default: true, description: "x" },
        mode: { type: "choice", choices: ["a", "b"], default: "a", description: "x" },
      },
      merge: (_, { options }) => {
        const on: boolean = options.on;
        const mode: "a" | "b" = options.mode;
        // @ts-expect-error: there is no such option
        const other = options.of;
        return { combinations: [], rows: on && mode === "a" ? null : other };
      },
    });
    // @ts-expect-error: no such word
    defineMethod({ ...FACTS, id: "x", single: "sometimes", merge: () => ({ combinations: [], rows: null }) });
  });
});
