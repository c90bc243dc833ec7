import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { UsageError } from "../../src/core/errors.ts";
import { parseRecipe } from "../../src/recipe/recipe-file.ts";
import { recipeSchema } from "../../src/recipe/recipe-schema.ts";
import { rejection } from "../support/memory-folder.ts";

const parsed = async (text: string) => {
  const { placeOfAdapter: _, ...data } = await parseRecipe(text, "r.yaml");
  return data;
};

describe("a recipe file", () => {
  it("says everything that the flags say", async () => {
    const text = `
adapters:
  - math
  - path: ../med
    weight: 0.5
method: lego
options: { gauge: balanced, outputReweight: false, seed: 7 }
energy: { rule: sv_fro, threshold: 0.95 }
scale: -1.5
dtype: bf16
extras: drop
allowPartial: true
rankLayout: pattern
include: [q_proj, "layers.*.**"]
exclude:
  - lm_head
moduleWeights:
  - match: layers.0.**
    weights: [1, 0]
blockWeights: [[1], [0, 0.5]]
out: merged
to: mlx
report: reports/merged.json
`;
    expect(await parsed(text)).toEqual({
      steps: [
        {
          name: null,
          adapters: [{ path: "math" }, { path: "../med" }],
          recipe: {
            method: "lego",
            options: { gauge: "balanced", outputReweight: false, seed: 7 },
            target: { kind: "energy", rule: "sv_fro", threshold: 0.95 },
            weights: [1, 0.5],
            scale: -1.5,
            dtype: "bf16",
            extras: "drop",
            allowPartial: true,
            rankLayout: "pattern",
            include: ["q_proj", "layers.*.**"],
            exclude: ["lm_head"],
            moduleWeights: [{ match: "layers.0.**", weights: [1, 0] }],
            blockWeights: [[1], [0, 0.5]],
          },
        },
      ],
      out: "merged",
      to: "mlx",
      report: "reports/merged.json",
    });
  });

  it("needs nothing but adapters, and leaves the rest to the defaults", async () => {
    const steps = [{ name: null, adapters: [{ path: "a" }], recipe: { weights: [1] } }];
    expect(await parsed("adapters: [a]")).toEqual({ steps, out: null, to: null, report: null });
  });

  it.each([
    ["rank: 3", { kind: "rank", rank: 3 }],
    ["rank: full", { kind: "full" }],
    ["keep: 0.5", { kind: "share", share: 0.5 }],
    ["budget: 6", { kind: "budget", rank: 6 }],
  ])("asks for a rank by %s", async (line, target) => {
    expect((await parsed(`adapters: [a]\n${line}`)).steps[0]!.recipe.target).toEqual(target);
  });

  it("holds steps that take the results of earlier ones, and anchors for what they share", async () => {
    const text = `
steps:
  - name: medical
    adapters: [med, bio]
    <<: &cut { method: svd, rank: 8 }
  - name: all
    adapters: [{ step: medical, weight: 2 }, math]
    <<: *cut
out: merged`;
    const shared = { method: "svd", target: { kind: "rank", rank: 8 } };
    expect((await parsed(text)).steps).toEqual([
      { name: "medical", adapters: [{ path: "med" }, { path: "bio" }], recipe: { ...shared, weights: [1, 1] } },
      { name: "all", adapters: [{ step: "medical" }, { path: "math" }], recipe: { ...shared, weights: [2, 1] } },
    ]);
  });

  it("knows where its adapters are named", async () => {
    const text =
      "steps:\n  - name: a\n    adapters:\n      - x\n      - path: y\n  - name: b\n    adapters: [{ step: a }, z]";
    const { placeOfAdapter } = await parseRecipe(text, "r.yaml");
    expect([placeOfAdapter(0, 0), placeOfAdapter(0, 1), placeOfAdapter(1, 1)]).toEqual([
      "r.yaml:4:9",
      "r.yaml:5:9",
      "r.yaml:7:29",
    ]);
  });

  it("has the JSON Schema of docs/recipe.schema.json (else: npm run build && node tools/recipe-schema.mjs)", () => {
    const file = new URL("../../docs/recipe.schema.json", import.meta.url);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(z.toJSONSchema(recipeSchema(z), { io: "input" }));
  });

  it("is shown in docs/recipe.md as it is: every example there parses", async () => {
    const text = readFileSync(new URL("../../docs/recipe.md", import.meta.url), "utf8");
    const examples = Array.from(text.matchAll(/^```yaml\n(.*?)^```$/gms), ([, example]) => example!);
    expect(examples.length).toBeGreaterThan(1);
    for (const example of examples) expect((await parseRecipe(example, "docs/recipe.md")).steps).not.toEqual([]);
  });
});

/** A mistake: the file, the place, and what is said of it. */
const MISTAKES: [what: string, text: string, place: string, said: string][] = [
  ["nothing", "", "1:1", "the recipe is empty; it must be a map with adapters, or with steps."],
  ["a list", "- a", "1:1", 'the recipe is ["a"], but must be a map with adapters, or with steps.'],
  ["no adapters", "method: cat", "1:1", "adapters is missing; list the adapters to merge, such as [math, med]."],
  ["an empty list of adapters", "adapters: []", "1:11", "adapters is [], but must name at least one adapter."],
  [
    "one adapter without a list",
    "adapters: a",
    "1:11",
    'adapters is "a", but must be a list of adapters, such as [math, med].',
  ],
  ["a key that was mistyped", "adapters: [a]\nmehtod: cat", "2:1", '"mehtod" is unknown here; did you mean method?'],
  [
    "a key that means nothing",
    "adapters:\n  - {path: a, colour: 3}",
    "2:15",
    '"colour" is unknown here; the keys are path, weight.',
  ],
  [
    "a mistyped key of an adapter",
    "adapters:\n  - step: a\n    wieght: 2",
    "3:5",
    '"wieght" is unknown here; did you mean weight?',
  ],
  [
    "an adapter that is a number",
    "adapters: [a, 3]",
    "1:15",
    "adapters[1] is 3, but must be a path, or a map of path (or step) and weight.",
  ],
  [
    "an adapter without a path",
    "adapters:\n  - weight: 3",
    "2:5",
    "adapters[0].path is missing; it must be text, in quotes if it looks like something else.",
  ],
  ["an adapter of nothing known", "adapters:\n  - colour: 3", "2:5", "adapters[0].path is missing; it must be text"],
  [
    "a weight that is text",
    "adapters:\n  - path: a\n    weight: '2'",
    "3:13",
    'adapters[0].weight is "2", but must be a finite number.',
  ],
  [
    "a scale without end",
    "adapters: [a]\nscale: .inf",
    "2:8",
    "scale is Infinity, but must be a finite number, or auto.",
  ],
  ["rank 0", "adapters: [a]\nrank: 0", "2:7", "rank is 0, but must be a whole number above 0, or full."],
  ["half a rank", "adapters: [a]\nrank: 1.5", "2:7", "rank is 1.5, but must be a whole number above 0, or full."],
  ["two ranks", "adapters: [a]\nkeep: 0.5\nrank: 4", "2:1", "keep and rank exclude each other; keep one of them."],
  [
    "a rank and a budget",
    "adapters: [a]\nrank: 4\nbudget: 4",
    "3:1",
    "budget and rank exclude each other; keep one of them.",
  ],
  ["half a budget", "adapters: [a]\nbudget: 1.5", "2:1", "The budget is 1.5, but must be a whole number above 0."],
  [
    "a share above 1",
    "adapters: [a]\nkeep: 5",
    "2:1",
    "The share of units to keep is 5, but must be above 0 and at most 1.",
  ],
  [
    "a threshold out of range",
    "adapters: [a]\nenergy: {rule: sv_fro, threshold: 2}",
    "2:1",
    "The threshold of sv_fro is 2, but must be above 0 and at most 1.",
  ],
  [
    "energy as its flag",
    "adapters: [a]\nenergy: sv_fro=0.9",
    "2:9",
    'energy is "sv_fro=0.9", but must be a map of rule and threshold.',
  ],
  [
    "a format that its program does not load",
    "adapters: [a]\nfor: vllm\nout: x.gguf\nto: gguf",
    "4:1",
    "to is gguf, but the program is vllm (for), which loads peft files; keep to or for, not both.",
  ],
  [
    "a format that the last step's program does not load",
    "steps:\n  - {name: one, adapters: [a, b]}\n  - {name: two, adapters: [{step: one}], for: comfyui}\nto: mlx",
    "4:1",
    "to is mlx, but the program of the step two is comfyui (for), which loads kohya and diffusers files; keep to or for, not both.",
  ],
  [
    "a program for a step that loads no PEFT adapters",
    "steps:\n  - {name: one, adapters: [a, b], for: mlx}\n  - {name: two, adapters: [{step: one}]}",
    "2:35",
    "mlx-lm loads mlx files, but the step one makes a PEFT adapter for later steps; leave for out here.",
  ],
  [
    "a mistyped choice",
    "adapters: [a]\ndtype: fp16",
    "2:8",
    'dtype is "fp16", but must be one of auto, f32, f16, bf16; did you mean f16?',
  ],
  [
    "a switch of YAML 1.1",
    "adapters: [a]\nallowPartial: yes",
    "2:15",
    'allowPartial is "yes", but must be true or false.',
  ],
  ["a key without a value", "adapters: [a]\nmethod:", "2:8", "method is empty; it must be one of "],
  [
    "an option that was mistyped",
    "adapters: [a]\nmethod: lego\noptions:\n  guage: raw",
    "4:3",
    'lego has no option "guage"; did you mean gauge?',
  ],
  [
    "an option without its method",
    "adapters: [a]\noptions:\n  gauge: raw",
    "3:3",
    "The method auto chooses has its own options, so gauge cannot be set; name the method, or leave gauge out.",
  ],
  [
    "an option of another method",
    "adapters: [a]\nmethod: cat\noptions: {gauge: raw}",
    "3:11",
    'cat has no option "gauge"; it has none.',
  ],
  [
    "an option out of range",
    "adapters: [a]\nmethod: lego\noptions:\n  effort: 1000",
    "4:3",
    "The option effort of lego is 1000, but must be a finite number, at least 0 and at most 100.",
  ],
  [
    "a pattern that cannot be read",
    "adapters: [a]\nexclude: [q, 'a..b']",
    "2:14",
    'The module pattern "a..b" cannot be read; ',
  ],
  [
    "too few module weights",
    "adapters: [a, b]\nmoduleWeights:\n  - match: q\n    weights: [1]",
    "4:5",
    "There are 2 adapters but 1 weight for q; pass one weight for each adapter, in their order.",
  ],
  [
    "a negative weight of a method that takes none",
    "method: lego\nadapters:\n  - a\n  - path: b\n    weight: -1",
    "5:5",
    "Weights of lego are relative and cannot be negative, but b has -1; to subtract an adapter use --method cat.",
  ],
  [
    "a negative weight of a module",
    "adapters: [a, b]\nmethod: lego\nmoduleWeights: [{match: q, weights: [1, -2]}]",
    "3:41",
    "Weights of lego are relative and cannot be negative, but b has -2 for q;",
  ],
  [
    "weights too far apart",
    "method: cat\nadapters: [{path: a, weight: 1e13}, b]",
    "2:1",
    "The weights of cat range over a factor of 1e+13",
  ],
  [
    "too few lists of block weights",
    "adapters: [a, b]\nblockWeights: [[1]]",
    "2:1",
    "There are 2 adapters but 1 list of block weights; give one list for each adapter, in their order, such as 1 for",
  ],
  [
    "a negative block weight of a method that takes none",
    "adapters: [a, b]\nmethod: lego\nblockWeights: [[1], [0, -2]]",
    "3:25",
    "Weights of lego are relative and cannot be negative, but b has -2 for a block;",
  ],
  [
    "settings beside steps",
    "steps: [{name: x, adapters: [a]}]\nrank: 4",
    "2:1",
    "rank is next to steps; move it into the step that it belongs to.",
  ],
  ["a step without a name", "steps:\n  - adapters: [a]", "2:5", "name is missing; it must be text"],
  [
    "a step named as a path",
    "steps:\n  - name: ../x\n    adapters: [a]",
    "2:11",
    'name is "../x", but must be letters, digits, - and _, starting with a letter.',
  ],
  ["a step without adapters", "steps:\n  - name: x", "2:5", "adapters is missing in x; list the adapters to merge."],
  [
    "a name taken twice",
    "steps:\n- {name: x, adapters: [a]}\n- {name: x, adapters: [{step: x}]}",
    "3:4",
    "there is already a step x; choose another name.",
  ],
  [
    "a mistyped step",
    "steps:\n- {name: first, adapters: [a]}\n- {name: x, adapters: [{step: frist}]}",
    "3:25",
    "there is no step frist above this one; did you mean first?",
  ],
  [
    "a step that comes later",
    "steps:\n- {name: x, adapters: [{step: y}]}\n- {name: y, adapters: [a]}",
    "2:25",
    "there is no step y above this one; name a step above, or a path.",
  ],
  [
    "a step in a recipe without",
    "adapters: [{step: y}]",
    "1:13",
    "there is no step y above this one; name a step above, or a path.",
  ],
  [
    "a step that no one needs",
    "steps:\n- {name: x, adapters: [a]}\n- {name: y, adapters: [b]}",
    "2:4",
    "no later step takes the result of x; add { step: x } to one, or remove it.",
  ],
  [
    "a key that stands twice",
    "adapters: [a]\nrank: 1\nrank: 2",
    "3:1",
    'the key "rank" occurs twice in one map; remove one.',
  ],
  [
    "a list that is not closed",
    "adapters: [a\nrank: 1",
    "2:1",
    "Flow sequence in block collection must be sufficiently indented and end with a ]; correct the YAML.",
  ],
  ["an alias of nothing", "adapters: *x", "1:11", "there is no anchor &x before this alias; define it above."],
  [
    "two documents",
    "adapters: [a]\n---\nadapters: [b]",
    "2:1",
    "only one document is allowed; remove what follows ---.",
  ],
  ["lists as keys", "? ".repeat(28), "1:3", "a list or a map cannot be a key here; write a word before the colon"],
  ["a list that holds itself", "adapters: &x [*x, *x]", "1:15", "*x is inside its own anchor, which would never end"],
  ["a tag", "adapters: [a]\nrank: !foo 3", "2:7", "Unresolved tag: !foo; correct the YAML."],
  [
    "a pattern without a list",
    "adapters: [a]\ninclude: q",
    "2:10",
    'include is "q", but must be a list of patterns, such as',
  ],
  ["an empty pattern", "adapters: [a]\nexclude: [q, '']", "2:14", 'exclude[1] is "", but must not be empty.'],
  [
    "module weights without a list",
    "adapters: [a]\nmoduleWeights: {match: q}",
    "2:16",
    'moduleWeights is {"match":"q"}, but must be a list of maps of match and weights.',
  ],
  [
    "module weights that are a word",
    "adapters: [a]\nmoduleWeights: [q]",
    "2:17",
    'moduleWeights[0] is "q", but must be a map of match and weights.',
  ],
  [
    "one weight of a module without a list",
    "adapters: [a]\nmoduleWeights: [{match: q, weights: 1}]",
    "2:37",
    "moduleWeights[0].weights is 1, but must be a list of numbers, one for each adapter.",
  ],
  [
    "a weight of a step's module that is no number",
    "steps:\n- {name: x, adapters: [a], moduleWeights: [{match: q, weights: [x]}]}",
    "2:65",
    'moduleWeights[0].weights[0] is "x", but must be a finite number.',
  ],
  [
    "block weights without lists",
    "adapters: [a]\nblockWeights: [1]",
    "2:16",
    "blockWeights[0] is 1, but must be a list of numbers, one for each block.",
  ],
  [
    "options that are no map",
    "adapters: [a]\noptions: 3",
    "2:10",
    "options is 3, but must be a map of the method's options.",
  ],
  ["no steps", "steps: []", "1:8", "steps is [], but must hold at least one merge."],
  [
    "steps that are no list",
    "steps: {a: 1}",
    "1:8",
    'steps is {"a":1}, but must be a list of merges, each with a name and adapters.',
  ],
  ["a step that is a word", "steps: [x]", "1:9", 'steps[0] is "x", but must be a map with a name and adapters.'],
  ["an empty place for the output", "adapters: [a]\nout: ''", "2:6", 'out is "", but must not be empty.'],
  [
    "a mistyped rule",
    "adapters: [a]\nenergy: {rule: sv, threshold: 1}",
    "2:16",
    'energy.rule is "sv", but must be one of sv_ratio, sv_cumulative, sv_fro.',
  ],
  [
    "a long value, which is cut",
    `adapters: [a]\nrank: ${"x".repeat(59)}`,
    "2:7",
    `rank is "${"x".repeat(56)}..., but must be a whole number above 0, or full.`,
  ],
  [
    "a value that is just not too long",
    `adapters: [a]\nrank: ${"x".repeat(58)}`,
    "2:7",
    `rank is "${"x".repeat(58)}", but must be a whole number above 0, or full.`,
  ],
  ["an adapter that is empty", "adapters: [null]", "1:12", "adapters[0] is empty; it must be a path, or a map of path"],
  [
    "a path that is a number",
    "steps:\n- {name: x, adapters: [{path: 3}]}",
    "2:31",
    "adapters[0].path is 3, but must be text, in quotes if it looks like something else.",
  ],
];

describe("a mistake in a recipe file", () => {
  it.each(MISTAKES)("is told with its place and the way out: %s", async (_, text, place, said) => {
    const error = await rejection(parseRecipe(text, "r.yaml"));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(`r.yaml:${place}: ${said}`);
    expect(error.message.startsWith("r.yaml:")).toBe(true);
    expect(error.message).toMatch(/[.?]$/);
  });
});
