import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { consumerById } from "../../src/adapter/consumers.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import { FormatError } from "../../src/core/errors.ts";
import { convertAdapter } from "../../src/node/convert-adapter.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { mergeToFolder } from "../../src/node/merge-adapters.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { type ExpertFactors, flatFactors, moduleDelta } from "../support/experts.ts";
import { decodeTensors, openPico, product, relativeError, tempFolder } from "../support/pico.ts";
import { written } from "../support/written.ts";

/** What PEFT made of adapters of experts, as tools/consumers/experts.mjs wrote it down. */
interface Facts {
  /** Of each adapter: by path, (out, in), or one for each expert. */
  readonly deltas: Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>>;
  readonly merges: readonly {
    readonly id: string;
    readonly model: string;
    readonly recipe: Recipe;
    readonly inputs: readonly string[];
    readonly sha256: readonly string[];
    readonly before: readonly (readonly number[])[];
    readonly merged: readonly (readonly number[])[];
  }[];
  /** What mlx-lm made of adapters that were converted. */
  readonly mlx: readonly {
    readonly name: string;
    readonly sha256: readonly string[];
    readonly deltas: Readonly<Record<string, readonly unknown[]>>;
  }[];
}

const GOLDEN = new URL("../golden/consumers/experts/", import.meta.url).pathname;
const { deltas, merges, mlx }: Facts = JSON.parse(readFileSync(join(GOLDEN, "facts.json"), "utf8"));

function hashesOf(out: string, weights: string): string[] {
  return ["adapter_config.json", weights].map((file) =>
    createHash("sha256")
      .update(readFileSync(join(out, file)))
      .digest("hex"),
  );
}

/** PEFT's delta of a module: its own, or its expert's in a parameter; gate and up are halves of one. */
function factOf(adapter: string, name: string): Float64Array {
  const [, owner, expert, projection] = /^(.+\.experts)\.(\d+)\.([^.]+)$/.exec(name) ?? [];
  const half = ["gate_proj", "up_proj"].indexOf(projection ?? "");
  const paths = [`${owner}.${half < 0 ? projection : "gate_up_proj"}`, name, `${name}.weight`];
  const found = paths.map((path) => deltas[adapter]![path]).find((delta) => delta !== undefined)!;
  const own = (expert === undefined ? found : found[Number(expert)]!) as number[][];
  const rows = half < 0 ? own : own.slice((half * own.length) / 2, ((half + 1) * own.length) / 2);
  return Float64Array.from(rows.flat());
}

describe("adapters of experts as PEFT saves them", () => {
  it.each(Object.keys(deltas))("%s: the delta of every module is PEFT's", async (name) => {
    const { adapter, close } = await openAdapterPath(join(GOLDEN, name));
    expect(adapter.variants).toEqual([]);
    const modules = [...adapter.modules.values()].filter((module) => module.name.includes("layers.1."));
    for (const module of modules) {
      expect(relativeError(await moduleDelta(adapter, module), factOf(name, module.name)), module.name).toBeLessThan(
        1e-4,
      );
    }
    close();
    const parts = Object.entries(deltas[name]!).map(([path, delta]) => {
      const experts = Array.isArray((delta[0] as unknown[])[0]) ? delta.length : 1;
      return name.endsWith("-single") && path.endsWith("gate_up_proj") ? 2 * experts : experts;
    });
    expect(modules).toHaveLength(parts.reduce((sum, count) => sum + count, 0));
  });

  it.each(Object.keys(deltas))("%s: written again, the tensors are PEFT's", async (name) => {
    const { adapter, close } = await openAdapterPath(join(GOLDEN, name));
    const files = await written(adapter, "peft");
    close();
    const saved = decodeTensors(readFileSync(join(GOLDEN, name, "adapter_model.safetensors")));
    const ours = decodeTensors(files["adapter_model.safetensors"] as Uint8Array);
    expect(new Map([...ours].sort())).toEqual(new Map([...saved].sort()));
    const { target_parameters: parameters } = JSON.parse(
      readFileSync(join(GOLDEN, name, "adapter_config.json"), "utf8"),
    );
    expect(JSON.parse(files["adapter_config.json"] as string).target_parameters ?? null).toEqual(parameters);
  });

  it.each(mlx.map((fact) => [fact.name, fact] as const))("%s: mlx-lm loads the same of it", async (name, fact) => {
    const out = join(tempFolder(), "out");
    await convertAdapter(join(GOLDEN, name), { to: "mlx", out, baseConfig: join(GOLDEN, "base-config.json") });
    const hint = "The files changed since mlx-lm judged them: run tools/consumers/experts.mjs again.";
    expect(hashesOf(out, "adapters.safetensors"), hint).toEqual(fact.sha256);
    const loaded = Object.entries(fact.deltas).flatMap(([path, delta]) => {
      const [, owner, projection] = /^(.+)\.switch_mlp\.(.+)$/.exec(path) ?? [];
      if (owner === undefined) return [[path, delta as number[][]] as const];
      return (delta as number[][][]).map((own, e) => [`${owner}.experts.${e}.${projection}`, own] as const);
    });
    expect(loaded).toHaveLength(13);
    for (const [path, delta] of loaded) {
      expect(relativeError(Float64Array.from(delta.flat()), factOf(name, path)), path).toBeLessThan(1e-4);
    }
  });

  it.each(merges.map((fact) => [fact.id, fact] as const))("%s: PEFT loaded these bytes", async (_, fact) => {
    const out = join(tempFolder(), "out");
    await mergeToFolder(
      fact.inputs.map((input) => join(GOLDEN, `${fact.model}-${input}`)),
      fact.recipe,
      { out },
    );
    const hint = "The files changed since PEFT judged them: run tools/consumers/experts.mjs again.";
    expect(hashesOf(out, "adapter_model.safetensors"), hint).toEqual(fact.sha256);
  });

  it.each([
    ["qwen3_moe-one", null],
    ["qwen3_moe-single", null],
    ["qwen3_moe-down", /experts has down_proj; train/],
    ["gpt_oss-biases", /experts has gate_up_proj, gate_up_proj_bias, down_proj, down_proj_bias; train/],
  ])("%s: vLLM takes gate_up_proj and down_proj together", async (name, words) => {
    const { adapter, close } = await openAdapterPath(join(GOLDEN, name));
    close();
    const { findings, unseen } = checkOpened(adapter, consumerById("vllm"));
    const fails = findings.filter(({ level }) => level === "fails").map(({ text }) => text);
    expect(fails).toEqual(words === null ? [] : [expect.stringMatching(words)]);
    expect(unseen.some((text) => text.includes("as one tensor"))).toBe(name !== "qwen3_moe-single");
  });

  it("of one form merge with the other's to the sum of what PEFT adds for each", async () => {
    const out = join(tempFolder(), "out");
    await mergeToFolder(
      ["one", "single"].map((name) => join(GOLDEN, `qwen3_moe-${name}`)),
      { method: "cat" },
      { out },
    );
    const { adapter, close } = await openAdapterPath(out);
    const modules = [...adapter.modules.values()].filter((module) => module.name.includes("layers.1."));
    expect(modules).toHaveLength(9);
    for (const module of modules) {
      const [one, single] = ["one", "single"].map((name) => factOf(`qwen3_moe-${name}`, module.name));
      const sum = one!.map((value, i) => value + single![i]!);
      expect(relativeError(await moduleDelta(adapter, module), sum), module.name).toBeLessThan(1e-4);
    }
    close();
  });

  it.each(merges.map((fact) => [fact.id, fact] as const))("%s: the logits stay to 1e-5", (_, { before, merged }) => {
    const apart = before.flatMap((row, i) => row.map((value, j) => Math.abs(value - merged[i]![j]!)));
    expect(apart.length).toBeGreaterThan(0);
    expect(Math.max(...apart)).toBeLessThan(1e-5);
  });
});

const LAYER = "model.layers.0.mlp.experts";
/** Two experts of rank 1: 2 -> 3. */
const ONE: ExpertFactors = { A: [[1, 2]], B: [[3], [4], [5]] };
const TWO: ExpertFactors = { A: [[6, 7]], B: [[8], [9], [10]] };
const PAIR = flatFactors([ONE, TWO]);

function open(paths: readonly string[], config: Readonly<Record<string, unknown>> = {}) {
  const modules = Object.fromEntries(paths.map((path) => [path, PAIR]));
  return openPico("mine", { modules, config: { r: 1, lora_alpha: 2, ...config } });
}

describe("the parameters of a layer", () => {
  const names = async (...args: Parameters<typeof open>) => [...(await open(...args)).modules.keys()];
  const of = (parameter: string) => [0, 1].map((e) => `${LAYER}.${e}.${parameter}`);

  it("are modules, one for each expert, with the factors at their places", async () => {
    const adapter = await open([LAYER], { target_parameters: ["mlp.experts.down_proj"] });
    expect([...adapter.modules.keys()]).toEqual(of("down_proj"));
    for (const [e, { A, B }] of [ONE, TWO].entries()) {
      const module = adapter.modules.get(`${LAYER}.${e}.down_proj`)!;
      expect(module).toMatchObject({ in: 2, out: 3, rank: 1, scale: 2, parameter: { name: "down_proj", experts: 2 } });
      const expected = product(Float64Array.from(B.flat()), Float64Array.from(A.flat()), 3, 1, 2).map((x) => 2 * x);
      expect(await moduleDelta(adapter, module)).toEqual(expected);
    }
  });

  it("take the names of target_parameters, however these are written", async () => {
    for (const stated of ["gate_up_proj", "experts.gate_up_proj", `${LAYER}.gate_up_proj`]) {
      expect(await names([LAYER], { target_parameters: [stated] })).toEqual(of("gate_up_proj"));
    }
  });

  it("are those of transformers 5 where a config names none, as vLLM takes them", async () => {
    expect(await names([`${LAYER}.base_layer`, LAYER])).toEqual([...of("gate_up_proj"), ...of("down_proj")]);
  });

  it("have the ranks and alphas of their own paths", async () => {
    const config = { r: 8, rank_pattern: { "experts.down_proj": 2 }, alpha_pattern: { [`${LAYER}.down_proj`]: 6 } };
    const adapter = await open([LAYER], { ...config, target_parameters: ["down_proj"] });
    // Two ranks of one expert: a matrix.
    expect(Array.from(adapter.modules.values(), ({ name, rank, scale }) => [name, rank, scale])).toEqual([
      [`${LAYER}.down_proj`, 2, 3],
    ]);
  });

  it.each([
    [
      "one without a name",
      [LAYER],
      {},
      /has factors of a parameter of .*experts, but its config has no target_parameters, which says which one; add it to the config, such as \["mlp\.experts\.down_proj"\]\.$/,
    ],
    [
      "three without names",
      [`${LAYER}.base_layer.base_layer`, `${LAYER}.base_layer`, LAYER],
      {},
      /3 parameters .*which ones; add/,
    ],
    [
      "names of no known order",
      [`${LAYER}.base_layer`, LAYER],
      { target_parameters: ["experts.v1", "experts.w1"] },
      /v1, w1 there, so it is not certain/,
    ],
    [
      "more names than factors",
      [LAYER],
      { target_parameters: ["down_proj", "gate_up_proj"] },
      /down_proj, gate_up_proj there/,
    ],
  ])("are left unread with %s", async (_, paths, config, words) => {
    const adapter = await open(paths, config);
    expect(adapter.variants.map(({ id }) => id)).toEqual(["target_parameters"]);
    expect(adapter.variants[0]!.text).toMatch(words);
    expect([adapter.modules.size, adapter.others.size]).toEqual([0, 2 * paths.length]);
  });

  it("of a layer that is no layer of experts keep a single parameter's name", async () => {
    const config = { target_parameters: ["ffn.w1"] };
    expect(await names(["blocks.0.ffn"], config)).toEqual(["blocks.0.ffn.0.w1", "blocks.0.ffn.1.w1"]);
  });

  it("that are matrices are known by their layer, which target_modules does not name", async () => {
    const modules = {
      "model.layers.0.mlp.gate": { A: [[1, 2]], B: [[3]] },
      "model.layers.0.q_proj": { A: [[1]], B: [[2]] },
    };
    const config = { target_modules: ["q_proj"], target_parameters: ["weight", "gate_up_proj", "down_proj"] };
    const adapter = await openPico("mine", { modules, config });
    expect(Array.from(adapter.modules.values(), ({ name, parameter }) => [name, parameter])).toEqual([
      ["model.layers.0.q_proj", undefined],
      ["model.layers.0.mlp.gate", { name: "weight", experts: 1 }],
    ]);
  });

  it("have the names of their nesting, whatever comes first in the file", async () => {
    const GATE_UP = flatFactors([ONE, TWO].map(({ A, B }) => ({ A, B: [...B, [0]] })));
    const sizes = async (paths: readonly string[]) => {
      const modules = Object.fromEntries(paths.map((path) => [path, path === LAYER ? PAIR : GATE_UP]));
      const adapter = await openPico("mine", { modules, config: { r: 1 } });
      return new Map(Array.from(adapter.modules.values(), ({ name, out }) => [name, out]));
    };
    const expected = new Map([
      ...of("gate_up_proj").map((name) => [name, 4]),
      ...of("down_proj").map((name) => [name, 3]),
    ] as [string, number][]);
    for (const paths of [
      [LAYER, `${LAYER}.base_layer`],
      [`${LAYER}.base_layer`, LAYER],
    ]) {
      expect(await sizes(paths)).toEqual(expected);
    }
  });

  it("that are nested are no layers, wherever they are", async () => {
    const adapter = await open(["blocks.0.ffn.base_layer", "blocks.0.ffn"]);
    expect(adapter.variants.map(({ text }) => text)).toEqual([
      expect.stringMatching(/has factors of 2 parameters of blocks\.0\.ffn, but its config has no target_parameters/),
    ]);
    expect(adapter.modules.size).toBe(0);
  });

  const MATRIX = { A: [[1, 2]], B: [[3], [4]] };
  const parametersOf = async (path: string, config: object) => {
    const adapter = await openPico("mine", { modules: { [path]: MATRIX }, config: { r: 1, ...config } });
    return Array.from(adapter.modules.values(), ({ name, parameter }) => [name, parameter?.experts]);
  };

  it("are known by the layer in target_parameters where their rank is a layer's own", async () => {
    expect(await parametersOf("blocks.0.ffn", { target_parameters: ["ffn.w1"] })).toEqual([["blocks.0.ffn.w1", 1]]);
    // A name without a layer may be any layer's.
    expect(await parametersOf("blocks.0.ffn", { target_parameters: ["w1"] })).toEqual([["blocks.0.ffn", undefined]]);
    expect(await parametersOf(LAYER, { target_parameters: ["down_proj"] })).toEqual([[`${LAYER}.down_proj`, 1]]);
    // Nothing says that it is a parameter, not even its rank.
    expect(await parametersOf(LAYER, {})).toEqual([[LAYER, undefined]]);
  });

  it("are not certain where one of two names has no layer", async () => {
    const config = { r: 1, target_parameters: ["ffn.w1", "w2"] };
    const adapter = await openPico("mine", { modules: { "blocks.0.ffn": MATRIX }, config });
    expect(adapter.variants.map(({ text }) => text)).toEqual([expect.stringMatching(/w1, w2 there/)]);
  });

  const CUBE = { A: [[[1, 2]], [[6, 7]]], B: [[[3, 8]], [[4, 9]], [[5, 10]]] };

  it.each([
    ["the ranks do not divide", PAIR, 3],
    ["the ranks of two experts are those of a half", PAIR, 4],
    ["B has other units than A", { A: PAIR.A, B: [[3], [4], [5]] }, 1],
    ["only A has three dimensions", { A: CUBE.A, B: PAIR.B }, 1],
    ["only B has three dimensions", { A: PAIR.A, B: CUBE.B }, 1],
    [
      "experts have another rank than the config says",
      {
        A: [
          [
            [1, 2],
            [6, 7],
          ],
        ],
        B: [[[3], [8]]],
      },
      1,
    ],
  ] as const)("are refused where %s", async (_, factors, r) => {
    const config = { r, target_parameters: ["experts.down_proj"] };
    const refused = openPico("mine", { modules: { [LAYER]: factors as never }, config });
    await expect(refused).rejects.toThrow(FormatError);
    await expect(refused).rejects.toThrow(
      new RegExp(`no parameter of rank ${r} has \\(A is .*2.*; expected A \\(experts x ${r}, in\\)`),
    );
  });
});
