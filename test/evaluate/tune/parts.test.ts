import { describe, expect, it } from "vitest";
import type { TaskRow } from "../../../src/evaluate/task-rows.ts";
import { holdOut } from "../../../src/evaluate/tune/hold-out.ts";
import { layerGroups } from "../../../src/evaluate/tune/layer-groups.ts";
import { searchSpace } from "../../../src/evaluate/tune/search-space.ts";
import { frontOf, type Trial, trialOf } from "../../../src/evaluate/tune/trial.ts";
import { modulePattern } from "../../../src/recipe/module-pattern.ts";

const row = (task: string, prompt: string, answer = 0): TaskRow => ({ task, prompt, choices: ["yes", "no"], answer });

describe("layerGroups", () => {
  it("are the halves of the layers, each by its parts", () => {
    const names = [0, 1, 2].flatMap((layer) =>
      ["self_attn.q_proj", "mlp.up_proj"].map((part) => `model.layers.${layer}.${part}`),
    );
    expect(layerGroups([...names, "lm_head"])).toEqual([
      { match: "model.layers.0-1.self_attn.**" },
      { match: "model.layers.0-1.mlp.**" },
      { match: "model.layers.2-2.self_attn.**" },
      { match: "model.layers.2-2.mlp.**" },
    ]);
    for (const name of names) {
      expect(layerGroups(names).filter(({ match }) => modulePattern(match)(name))).toHaveLength(1);
    }
  });

  it("of a single layer are one half, and of names without parts the layers alone", () => {
    expect(layerGroups(["h.3.attn"])).toEqual([{ match: "h.3-3.*" }]);
    expect(modulePattern("h.3-3.*")("h.3.attn")).toBe(true);
    expect(layerGroups(["score", "a.b"])).toEqual([]);
  });
});

describe("searchSpace", () => {
  const space = searchSpace({ method: "tsv" }, 0.5, 2, [{ match: "mlp.**" }]);

  it("is the merge itself at 0, with its factor", () => {
    expect(space.size).toBe(4);
    const weights = [1, 1];
    expect(space.recipeAt([0, 0, 0, 0])).toEqual({
      method: "tsv",
      scale: 0.5,
      weights,
      moduleWeights: [{ match: "mlp.**", weights }],
    });
  });

  it("has powers of two of factor, weights less what they have in common, and groups", () => {
    expect(space.recipeAt([1, 2, 0, -1])).toEqual({
      method: "tsv",
      scale: 1,
      weights: [2, 0.5],
      moduleWeights: [{ match: "mlp.**", weights: [1, 0.25] }],
    });
  });

  it("has three digits, and no groups where there are none", () => {
    const { scale, weights, moduleWeights } = searchSpace({}, 1 / 3, 2, []).recipeAt([0.1, 0.3, -0.3]);
    expect([scale, weights, moduleWeights]).toEqual([0.357, [1.23, 0.812], undefined]);
  });
});

describe("holdOut", () => {
  const rows = ["one", "other"].flatMap((task) => Array.from({ length: 9 }, (_, i) => row(task, `${task} ${i}`)));

  it("keeps a third of each task back, by the seed", () => {
    const { search, test } = holdOut(rows, 0);
    for (const task of ["one", "other"]) {
      expect(test.filter((each) => each.task === task)).toHaveLength(3);
      expect(search.filter((each) => each.task === task)).toHaveLength(6);
    }
    expect(new Set([...search, ...test])).toEqual(new Set(rows));
    expect(holdOut(rows, 0)).toEqual({ search, test });
    expect(holdOut(rows, 1).test).not.toEqual(test);
  });

  it("parts no rows of one prompt, and leaves a task of one prompt whole", () => {
    const twice = [...rows, ...rows.map((each) => ({ ...each, answer: 1 }))];
    const { search, test } = holdOut(twice, 0);
    expect(search.filter((one) => test.some(({ prompt }) => prompt === one.prompt))).toEqual([]);
    expect(holdOut([row("one", "a"), row("one", "a", 1)], 0).test).toEqual([]);
  });
});

describe("a trial", () => {
  const rows = [row("one", "a"), row("one", "b"), row("other", "c", 1)];
  const scores = [
    [Math.log(3), 0],
    [0, Math.log(3)],
    [0, 0],
  ];

  it("holds shares of right answers, and the mean over tasks of what the right answers' shares lack", () => {
    const trial = trialOf({}, rows, scores, {});
    expect(trial).toMatchObject({ tasks: { one: 0.5, other: 0 }, mean: 0.25, worst: 0 });
    expect(trial.loss).toBeCloseTo(((-Math.log(0.75) - Math.log(0.25)) / 2 + Math.log(2)) / 2, 12);
  });

  it("counts preferred tasks more", () => {
    const trial = trialOf({}, rows, scores, { one: 3 });
    expect(trial.mean).toBe(0.375);
    expect(trial.loss).toBeCloseTo((3 * ((-Math.log(0.75) - Math.log(0.25)) / 2) + Math.log(2)) / 4, 12);
  });

  it("is on the front if no other one beats it in mean and worst task both", () => {
    const of = (mean: number, worst: number): Trial => ({ recipe: {}, tasks: {}, mean, worst, loss: 0 });
    const [best, safe, beaten, equal] = [of(0.9, 0.5), of(0.8, 0.7), of(0.8, 0.6), of(0.9, 0.5)];
    expect(frontOf([beaten, safe, best, equal])).toEqual([best, safe]);
    expect(frontOf([beaten, safe, best, equal])[0]).toBe(best);
  });
});
