import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { FormatId } from "../../src/convert/formats.ts";
import { convertFor } from "../../src/convert/output-format.ts";
import { writeConversion } from "../../src/convert/write-conversion.ts";
import { memorySink } from "../../src/core/bytes.ts";
import { RefusedError, UsageError } from "../../src/core/errors.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { convertAdapter } from "../../src/node/convert-adapter.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { type MergeOptions, mergeAdapters, mergeToFolder, planMergedOutput } from "../../src/node/merge-adapters.ts";
import { loadRecipe, planRecipe, runRecipe } from "../../src/node/run-recipe.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { parseRecipe } from "../../src/recipe/recipe-file.ts";
import { withRecipe } from "../../src/recipe/recipe-text.ts";
import { encodeTensor, type RandomShape, randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";

const SIZE = { in: 8, out: 8 };
const LANGUAGE = {
  "model.layers.0.self_attn.q_proj": SIZE,
  "model.layers.0.mlp.down_proj": { in: 7, out: 8, rank: 3 },
  "model.layers.1.self_attn.k_proj": SIZE,
};
const UNET = {
  "unet.down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_k": SIZE,
  "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q": { in: 5, out: 8, rank: 3 },
};
/** Names of kohya's keys that no family's table holds. */
const UNKNOWN = ["lora_unet_odd_blocks_7_self_attn_q", "lora_unet_odd_blocks_7_ffn_0"];

let folder = "";
let base = "";
const at = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = tempFolder();
  base = at("config.json");
  writeFileSync(base, JSON.stringify({ model_type: "llama", num_attention_heads: 2, num_key_value_heads: 2 }));
});

function pair(modules: NonNullable<RandomShape["modules"]>, shape: Omit<RandomShape, "modules"> = {}): string[] {
  const ranks = Object.entries(modules).flatMap(([name, { rank }]) => (rank === undefined ? [] : [[name, rank]]));
  const config = { rank_pattern: Object.fromEntries(ranks), ...shape.config };
  return ["one", "two"].map((name, seed) =>
    writeAdapter(at(name), randomAdapter(seed + 1, { ...shape, modules, config })),
  );
}

/** A file in kohya's keys, with what it says of its training. */
function kohyaFile(name: string, seed: number, metadata: Readonly<Record<string, string>>, alpha = 2): string {
  const { modules } = randomAdapter(seed, { modules: Object.fromEntries(UNKNOWN.map((key) => [key, SIZE])) });
  const tensors = Object.entries(modules).flatMap(([key, { A, B }]) => [
    encodeTensor(`${key}.lora_down.weight`, A),
    encodeTensor(`${key}.lora_up.weight`, B),
    encodeTensor(`${key}.alpha`, alpha),
  ]);
  writeFileSync(at(name), encodeSafetensors(tensors, metadata));
  return at(name);
}

/** The files of an output but for what describes it in words. */
function filesOf(path: string): Record<string, string> {
  const files = statSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [path];
  const told = files.filter((file) => !/README\.md$|recipe\.yaml$/.test(file));
  return Object.fromEntries(told.map((file, i) => [told.length > 1 ? basename(file) : i, readFileSync(file, "hex")]));
}

/** Write a PEFT folder with a recipe in it as a single file that holds that. */
async function convertWithRecipe(path: string, to: FormatId, out: string): Promise<void> {
  const { steps } = await parseRecipe(readFileSync(join(path, "recipe.yaml"), "utf8"), "recipe.yaml");
  const { adapter, close } = await openAdapterPath(path);
  const told = { ...adapter, metadata: withRecipe(adapter.metadata, steps) };
  const baseConfig = to === "gguf" ? { text: readFileSync(base, "utf8"), where: base } : null;
  const { conversion } = await convertFor(out, { to }, told, baseConfig);
  const sink = memorySink(conversion.layout.size);
  await writeConversion(told, conversion, sink);
  close();
  writeFileSync(out, sink.bytes);
}

async function opened(path: string) {
  const { adapter, close } = await openAdapterPath(path);
  close();
  return adapter;
}

const FORMATS = [
  ["mlx", LANGUAGE, "out", "mlx"],
  ["gguf", LANGUAGE, "out.gguf", "gguf"],
  ["kohya", UNET, "out.safetensors", "kohya"],
  ["diffusers", UNET, "out", "diffusers"],
  ["diffusers", UNET, "out.safetensors", "diffusers"],
  ["comfyui", UNET, "out.safetensors", "kohya"],
] as const;
const RECIPES: readonly Recipe[] = [
  { method: "lego" },
  { method: "cat", scale: 0.3, weights: [1, -2] },
  { method: "svd", target: { kind: "energy", rule: "sv_fro", threshold: 0.9 }, rankLayout: "pattern", dtype: "f16" },
];

describe("a merge into a format", () => {
  it.each(FORMATS.flatMap((format) => RECIPES.map((recipe) => [...format, recipe] as const)))(
    "has the bytes of a merge into PEFT that is then converted, with its recipe in a single file: %s %o into %s as %s by %o",
    async (to, modules, out, format, recipe) => {
      // Alphas that differ make writers fold scales in.
      const inputs = pair(modules, { dtype: "BF16", config: { lora_alpha: 3 } });
      const options = { to, ...(modules === LANGUAGE && { baseConfig: base }) };
      const merged = await mergeAdapters(inputs, recipe, { ...options, out: at(out) });
      expect(merged.format).toBe(format);
      await mergeToFolder(inputs, recipe, { out: at("peft") });
      const way = join(tempFolder(), out);
      if (out === "out") await convertAdapter(at("peft"), { ...options, out: way });
      else await convertWithRecipe(at("peft"), to, way);
      expect(filesOf(at(out))).toEqual(filesOf(way));
      expect(merged.report.totals.bytes).toBe(statSync(weightsOf(at(out))).size);
    },
  );

  it("is carried out again at a smaller rank, and is converted from that", async () => {
    const zero = { A: Array<number[]>(2).fill(Array<number>(8).fill(0)), B: Array<number[]>(8).fill([0, 0]) };
    const name = Object.keys(LANGUAGE)[0]!;
    const dead = writeAdapter(at("dead"), { modules: { [name]: zero } });
    const live = writeAdapter(at("live"), randomAdapter(1, { rank: 1, modules: { [name]: SIZE } }));
    const { plan } = await mergeAdapters([dead, live], { method: "cat" }, { to: "mlx", out: at("out") });
    expect(plan.rank).toBe(1);
    expect(JSON.parse(readFileSync(at("out/adapter_config.json"), "utf8")).lora_parameters.rank).toBe(1);
    expect((await opened(at("out"))).modules.get(name)!.rank).toBe(1);
  });

  it("writes card and recipe into folders, and nothing beside a file", async () => {
    const inputs = pair(UNET);
    await mergeAdapters(inputs, {}, { to: "diffusers", out: at("out") });
    expect(readdirSync(at("out")).sort()).toEqual(["README.md", "pytorch_lora_weights.safetensors", "recipe.yaml"]);
    const card = readFileSync(at("out/README.md"), "utf8");
    expect(card).toContain("# Merged LoRA adapter");
    expect(card).not.toContain("library_name");
    await mergeAdapters(inputs, {}, { out: at("out.safetensors"), report: at("report.json") });
    expect(readdirSync(folder).sort()).toEqual(
      ["config.json", "one", "out", "out.safetensors", "report.json", "two"].sort(),
    );
    expect(JSON.parse(readFileSync(at("report.json"), "utf8")).totals.bytes).toBe(statSync(at("out.safetensors")).size);
  });

  it("takes the place of its own folder by force, and of none else's", async () => {
    const inputs = pair(LANGUAGE);
    const write = (more: Partial<MergeOptions> = {}) =>
      mergeAdapters(inputs, {}, { to: "mlx", out: at("out"), ...more });
    await write();
    await expect(write()).rejects.toThrow(/exists; pass --force/);
    await write({ force: true });
    writeFileSync(at("out/thesis.txt"), "mine");
    await expect(write({ force: true })).rejects.toThrow(/thesis\.txt, which lora-lego did not write/);
  });
});

function weightsOf(out: string): string {
  if (statSync(out).isFile()) return out;
  return join(out, readdirSync(out).find((name) => name.endsWith(".safetensors"))!);
}

describe("a merge into a single file", () => {
  it("is in the adapters' own dialect, also where their names are of no known family", async () => {
    const inputs = [kohyaFile("a.safetensors", 1, {}), kohyaFile("b.safetensors", 2, {})];
    const { format } = await mergeAdapters(inputs, {}, { out: at("out.safetensors") });
    expect(format).toBe("kohya");
    expect([...(await opened(at("out.safetensors"))).modules.keys()].sort()).toEqual([...UNKNOWN].sort());
    const image = pair(UNET);
    const own = await Promise.all(
      image.map(async (path, i) => {
        await convertAdapter(path, { to: "diffusers", out: at(`own-${i}.safetensors`) });
        return at(`own-${i}.safetensors`);
      }),
    );
    expect((await mergeAdapters(own, {}, { out: at("again.safetensors") })).format).toBe("diffusers");
    expect((await mergeAdapters([own[0]!, image[1]!], {}, { out: at("mixed.safetensors") })).format).toBe("kohya");
  });

  it("says of training what all files say, and of ranks and hashes what is written", async () => {
    const common = { ss_base_model_version: "sdxl_base_v1-0", sshs_model_hash: "0", ss_network_args: "{}" };
    const inputs = [
      kohyaFile("a.safetensors", 1, { ...common, ss_steps: "10" }),
      kohyaFile("b.safetensors", 2, { ...common, ss_steps: "20" }),
    ];
    await mergeAdapters(inputs, { method: "cat", dtype: "f32" }, { out: at("out.safetensors") });
    expect(Object.fromEntries((await opened(at("out.safetensors"))).metadata)).toEqual({
      ss_base_model_version: "sdxl_base_v1-0",
      ss_network_alpha: "4",
      ss_network_dim: "4",
      sshs_model_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      sshs_legacy_hash: expect.stringMatching(/^[0-9a-f]{8}$/),
      "lora_lego.recipe": expect.stringMatching(
        /^adapters: \[\S+\/a\.safetensors, \S+\/b\.safetensors\]\nmethod: cat\n/,
      ),
    });
    await mergeAdapters([inputs[0]!], { target: { kind: "rank", rank: 1 } }, { out: at("alone.safetensors") });
    expect((await opened(at("alone.safetensors"))).metadata.get("ss_steps")).toBe("10");
  });

  it("falls back to diffusers' names where kohya has none", async () => {
    const flux = { "transformer.transformer_blocks.0.attn.to_q": SIZE };
    const inputs = pair(flux);
    for (const choice of [{}, { to: "comfyui" } as const]) {
      const { format } = await mergeAdapters(inputs, {}, { ...choice, out: at("out.safetensors"), force: true });
      expect(format).toBe("diffusers");
    }
    const strange = pair({ "unet.motion_modules.0.strange": SIZE });
    const unfound = mergeAdapters(strange, {}, { to: "comfyui", out: at("none.safetensors") });
    await expect(unfound).rejects.toThrow(/no certain name in kohya's keys/);
  });

  it.each([
    [
      "language models in .safetensors",
      LANGUAGE,
      { out: "x.safetensors" },
      RefusedError,
      /is for adapters of image models, but model\.layers\.0.*; pass a folder/,
    ],
    [
      "modules without names in .safetensors",
      { "unet:0": SIZE },
      { out: "x.safetensors" },
      RefusedError,
      /this adapter numbers them \(such as unet:0\); pass a folder/,
    ],
    ["language models in kohya's keys", LANGUAGE, { out: "x.safetensors", to: "kohya" }, RefusedError, /no certain/],
    ["a .gguf file without the base's config", LANGUAGE, { out: "x.gguf" }, UsageError, /--base-config/],
    ["PEFT in a file", LANGUAGE, { out: "x.safetensors", to: "peft" }, UsageError, /peft adapters are folders/],
    ["kohya in a folder", UNET, { out: "x", to: "kohya" }, UsageError, /one file; .* ends in \.safetensors/],
    [
      "comfyui in a folder",
      UNET,
      { out: "x", to: "comfyui" },
      UsageError,
      /^comfyui adapters are one file; .*\.safetensors/,
    ],
    ["diffusers in GGUF", UNET, { out: "x.gguf", to: "diffusers" }, UsageError, /folders or files that end in \.saf/],
    ["image models in MLX", UNET, { out: "x", to: "mlx" }, RefusedError, /mlx-lm runs only language models/],
    [
      "no format of this name",
      UNET,
      { out: "x", to: "onnx" as FormatId },
      UsageError,
      /is "onnx", but must be one of .*comfyui/,
    ],
    ["an input's place", UNET, { out: "one/x.safetensors" }, Error, /is the input .*or inside it/],
  ] as const)("is refused before anything is written: %s", async (_, modules, options, kind, words) => {
    const inputs = pair(modules);
    const before = readdirSync(folder);
    const given = { ...options, out: at(options.out) };
    for (const work of [mergeAdapters, planMergedOutput]) {
      const error = await work(inputs, {}, given).then(
        () => null,
        (reason: Error) => reason,
      );
      expect(error).toBeInstanceOf(kind);
      expect(error!.message).toMatch(words);
    }
    expect(readdirSync(folder)).toEqual(before);
  });

  it.each([
    [{ num_hidden_layers: 1 }, /layers\.1\.self_attn\.k_proj is in layer 1, but other\.json has 1 layers/],
    [{ hidden_size: 64 }, /_proj has width \d, but other\.json has hidden size 64; pass the base that/],
  ])("refuses the config of another model, with %j, before anything is written", async (fields, words) => {
    const inputs = pair(LANGUAGE);
    writeFileSync(at("other.json"), JSON.stringify({ ...JSON.parse(readFileSync(base, "utf8")), ...fields }));
    const before = readdirSync(folder);
    for (const out of ["x.gguf", "x"]) {
      const options = { out: at(out), baseConfig: at("other.json"), ...(out === "x" && { to: "mlx" as const }) };
      await expect(mergeAdapters(inputs, {}, options)).rejects.toThrow(words);
      await expect(planMergedOutput(inputs, {}, options)).rejects.toThrow(words);
      await expect(convertAdapter(inputs[0]!, options)).rejects.toThrow(words);
    }
    expect(readdirSync(folder)).toEqual(before);
  });

  it("refuses heads unless they are dropped", async () => {
    const [one] = pair(LANGUAGE, { extras: { "base_model.model.score.weight": [[1]] } });
    const options = { out: at("x.gguf"), baseConfig: base };
    await expect(mergeAdapters([one!], {}, options)).rejects.toThrow(/score\.weight.*--extras drop/);
    await mergeAdapters([one!], { extras: "drop" }, options);
    expect(existsSync(at("x.gguf"))).toBe(true);
  });

  it("leaves nothing, nor a report, where a value turns out wrong or the file is there already", async () => {
    const bad = writeAdapter(at("bad"), {
      modules: { [Object.keys(UNET)[0]!]: { A: [[Number.NaN]], B: [[1]] } },
    });
    const options = { out: at("x.safetensors"), report: at("r.json") };
    await expect(mergeAdapters([bad], { method: "cat" }, options)).rejects.toThrow(/NaN/);
    expect(readdirSync(folder).sort()).toEqual(["bad", "config.json"]);
    writeFileSync(at("x.safetensors"), "mine");
    const [one] = pair(UNET);
    await expect(mergeAdapters([one!], {}, options)).rejects.toThrow(/exists; pass --force/);
    expect(readFileSync(at("x.safetensors"), "utf8")).toBe("mine");
    await expect(mergeAdapters([one!], {}, { ...options, report: options.out })).rejects.toThrow(
      /is the output itself; choose another --report/,
    );
    expect(readdirSync(folder).filter((name) => /tmp|json/.test(name))).toEqual(["config.json"]);
  });
});

describe("a merge for a consumer", () => {
  it.each([
    ["llamacpp", LANGUAGE, "out.gguf", "gguf"],
    ["mlx", LANGUAGE, "out", "mlx"],
    ["diffusers", UNET, "out", "diffusers"],
    ["diffusers", UNET, "out.safetensors", "diffusers"],
    ["comfyui", UNET, "out.safetensors", "kohya"],
    ["vllm", LANGUAGE, "out", "peft"],
  ] as const)("picks the format itself: %s", async (id, modules, out, format) => {
    const inputs = pair(modules);
    const options = { out: at(out), ...(format === "gguf" && { baseConfig: base }) };
    expect((await planMergedOutput(inputs, { for: id }, options)).format).toBe(format);
    expect((await mergeAdapters(inputs, { for: id }, options)).format).toBe(format);
    expect((await opened(at(out))).format).toBe(format);
    const converted = await convertAdapter(inputs[0]!, { ...options, for: id, force: true });
    expect(converted.to).toBe(format);
  });

  it.each([
    ["comfyui", {}, "out", /adapters for ComfyUI are one file/],
    [
      "llamacpp",
      { to: "kohya" },
      "x.safetensors",
      /llama\.cpp loads gguf files, not kohya; ask for the format \(--to\) or for the program/,
    ],
    ["vllm", {}, "x.safetensors", /^vLLM runs language models/],
  ] as const)("is refused where output and format do not fit it: %s %j %s", async (id, choice, out, words) => {
    const inputs = pair(UNET);
    await expect(mergeAdapters(inputs, { for: id }, { ...choice, out: at(out) })).rejects.toThrow(words);
  });

  it("is what a conversion for one that wants one rank and scale points to", async () => {
    const [one] = pair(LANGUAGE);
    const work = convertAdapter(one!, { for: "tgi", out: at("x") });
    await expect(work).rejects.toThrow(
      /^TGI takes rank 8, 16, 32, 64, 128 alone, but \S+ has rank \d+, .*lora-lego merge \S+ --method cat --for tgi --out \S+x, /,
    );
  });
});

describe("a recipe into a format", () => {
  const STEPS = `steps:
  - { name: both, adapters: [a.safetensors, b.safetensors], method: cat }
  - { name: all, adapters: [{ step: both }, a.safetensors], rank: 2 }
`;

  it("keeps dialect and metadata through its steps", async () => {
    for (const [i, name] of ["a", "b"].entries()) {
      kohyaFile(`${name}.safetensors`, i + 1, { ss_base_model_version: "sd_v1", ss_steps: String(i) });
    }
    writeFileSync(at("r.yaml"), STEPS);
    const recipe = await loadRecipe(at("r.yaml"));
    const out = at("out.safetensors");
    expect((await planRecipe(recipe, { out })).map(({ format }) => format)).toEqual(["peft", "kohya"]);
    const outcomes = await runRecipe(recipe, { out });
    expect(outcomes.map(({ format }) => format)).toEqual(["peft", "kohya"]);
    const { metadata, modules } = await opened(out);
    expect([...modules.keys()].sort()).toEqual([...UNKNOWN].sort());
    expect(metadata.get("ss_base_model_version")).toBe("sd_v1");
    expect(metadata.has("ss_steps")).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes("tmp"))).toEqual([]);
  });

  it("stands in the file, and in the recipe that a folder holds", async () => {
    pair(LANGUAGE);
    writeFileSync(at("r.yaml"), "adapters: [one, two]\nout: first\nto: mlx\n");
    await runRecipe(await loadRecipe(at("r.yaml")));
    const again = await loadRecipe(at("first/recipe.yaml"), folder);
    expect(again.to).toBe("mlx");
    await runRecipe(again, { out: at("second") });
    expect(filesOf(at("second"))).toEqual(filesOf(at("first")));
    await runRecipe(again, { out: at("third"), to: "peft" });
    expect((await opened(at("third"))).format).toBe("peft");
    writeFileSync(at("r.yaml"), "adapters: [one, two]\nto: mxl\n");
    await expect(loadRecipe(at("r.yaml"))).rejects.toThrow(/r\.yaml:2:5: to is "mxl", but must be one of .*mean mlx/);
  });

  it("checks the output's place when it is planned", async () => {
    pair(LANGUAGE);
    writeFileSync(at("r.yaml"), "adapters: [one, two]\nout: one/x\n");
    const recipe = await loadRecipe(at("r.yaml"));
    await expect(planRecipe(recipe)).rejects.toThrow(/is the input .*, contains it or is inside it/);
    await expect(planRecipe(recipe, { out: at("x.gguf") })).rejects.toThrow(/--base-config/);
    const [planned] = await planRecipe(recipe, { out: at("x.gguf"), baseConfig: base });
    await runRecipe(recipe, { out: at("x.gguf"), baseConfig: base });
    expect([planned!.format, planned!.bytes]).toEqual(["gguf", statSync(at("x.gguf")).size]);
  });
});

describe("a report inside of the output", () => {
  it.each<[FormatId, string]>([
    ["mlx", "adapters.safetensors"],
    ["diffusers", "pytorch_lora_weights.safetensors"],
    ["peft", "other.gguf"],
  ])("never has a name as weights have it: %s, %s", async (to, name) => {
    const out = at("out");
    const merged = mergeAdapters(
      pair(to === "diffusers" ? UNET : LANGUAGE),
      {},
      { out, to, baseConfig: base, report: join(out, name) },
    );
    await expect(merged).rejects.toThrow(/has a name as files of weights have it; choose another --report/);
    expect(existsSync(out)).toBe(false);
  });
});

describe("a merge into another folder than PEFT's", () => {
  it("takes adapters of weight 0 that some modules weigh otherwise, and says in its recipe what it needs again", async () => {
    const recipe: Recipe = {
      method: "cat",
      weights: [0, 0],
      moduleWeights: [{ match: "layers.1.**", weights: [1, 2] }],
    };
    const out = at("out");
    const { plan } = await mergeAdapters(pair(LANGUAGE), recipe, { out, to: "mlx", baseConfig: base });
    expect(plan.modules.map(({ name, parts }) => [name, parts.length])).toEqual([
      ["model.layers.1.self_attn.k_proj", 2],
    ]);
    const text = readFileSync(join(out, "recipe.yaml"), "utf8");
    expect(text).toContain("lora-lego run recipe.yaml --adapters DIR --out OUT --base-config CONFIG");
    const again = await loadRecipe(join(out, "recipe.yaml"), folder);
    await runRecipe(again, { out: at("again"), baseConfig: base });
    for (const name of ["adapters.safetensors", "adapter_config.json", "recipe.yaml"]) {
      expect(readFileSync(join(at("again"), name)).equals(readFileSync(join(out, name)))).toBe(true);
    }
  });
});

describe("a report beside a single file", () => {
  it("is refused inside of it, where it could not lie", async () => {
    const out = at("x.gguf");
    const merged = mergeAdapters(pair(LANGUAGE), {}, { out, baseConfig: base, report: join(out, "report.json") });
    await expect(merged).rejects.toThrow(/lies in the output, which is a file; choose another --report/);
    expect(existsSync(out)).toBe(false);
  });
});
