import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import type { Dtype } from "../../src/core/dtype.ts";
import { RefusedError, UsageError } from "../../src/core/errors.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { baseConfig } from "../support/base-config.ts";
import { CASES_ABSENT, caseConfig, casePath, hasCases } from "../support/cases.ts";
import { linear, memoryFolder, openPeft } from "../support/memory-folder.ts";
import {
  decodeTensors,
  openPico,
  type PicoAdapter,
  product,
  type RandomModule,
  randomAdapter,
  relativeError,
} from "../support/pico.ts";
import { loadedWriter } from "../support/writers.ts";
import { written } from "../support/written.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The tensors and the config that mlx-lm would read. */
async function inMlx(adapter: Adapter, base: Parameters<typeof written>[2]) {
  const files = await written(adapter, "mlx", base);
  const config = JSON.parse(files["adapter_config.json"] as string);
  return { tensors: decodeTensors(files["adapters.safetensors"] as Uint8Array), ...config.lora_parameters };
}

async function namesFor(modules: readonly string[], fields: Fields | null): Promise<string[]> {
  const pico = randomAdapter(1, { modules: Object.fromEntries(modules.map((name) => [name, sizeOf(name)])) });
  const { tensors } = await inMlx(await openPico("mine", pico), fields === null ? null : baseConfig(fields));
  return [...tensors.keys()].filter((key) => key.endsWith(".lora_a")).map((key) => key.replace(/\.lora_a$/, ""));
}

const sizeOf = (name: string): RandomModule => ({
  in: 4,
  out: 3,
  kind: /embed_tokens|wte|wpe|embed_in/.test(name) ? "embedding" : "linear",
});

/** B A in f64, as a PEFT adapter means it. */
function deltaOf({ modules, config }: PicoAdapter, name: string, rank: number): Float64Array {
  const { A, B } = modules[name] as { A: number[][]; B: number[][] };
  const [a, b] = [A, B].map((rows) => Float64Array.from(rows.flat(), Math.fround)) as [Float64Array, Float64Array];
  const scale = Number((config?.alpha_pattern as Record<string, number>)?.[name] ?? config?.lora_alpha ?? rank) / rank;
  return product(b, a, B.length, rank, A[0]!.length).map((value) => scale * value);
}

const QWEN3_MOE = { model_type: "qwen3_moe", num_experts: 3, tie_word_embeddings: false };

describe("names for mlx-lm", () => {
  it.each<[string, Fields | null, string, string]>([
    ["GPT-2", { model_type: "gpt2" }, "transformer.h.3.attn.c_attn", "model.h.3.attn.c_attn"],
    ["GPT-2's positions", { model_type: "gpt2" }, "transformer.wpe", "model.wpe"],
    [
      "Gemma 3 since transformers 4.52",
      { model_type: "gemma3", text_config: { model_type: "gemma3_text" } },
      "model.language_model.layers.1.self_attn.q_proj",
      "language_model.model.layers.1.self_attn.q_proj",
    ],
    [
      "Gemma 3 before",
      { model_type: "gemma3", text_config: { model_type: "gemma3_text" } },
      "language_model.model.layers.1.self_attn.q_proj",
      "language_model.model.layers.1.self_attn.q_proj",
    ],
    [
      "Gemma 3 before, without its config",
      null,
      "language_model.model.layers.1.mlp.up_proj",
      "language_model.model.layers.1.mlp.up_proj",
    ],
    [
      "Gemma 3 of text alone",
      { model_type: "gemma3_text" },
      "model.layers.1.mlp.up_proj",
      "model.layers.1.mlp.up_proj",
    ],
    [
      "Qwen 2 VL before",
      { model_type: "qwen2_vl", tie_word_embeddings: false },
      "model.embed_tokens",
      "language_model.model.embed_tokens",
    ],
    [
      "a head in a wrapper",
      { model_type: "mistral3", tie_word_embeddings: false },
      "lm_head",
      "language_model.lm_head",
    ],
    ["GPT-NeoX", { model_type: "gpt_neox" }, "gpt_neox.layers.2.attention.dense", "model.h.2.attention.dense"],
    ["GPT-NeoX's head", { model_type: "gpt_neox" }, "embed_out", "model.embed_out"],
    ["GPT BigCode", { model_type: "gpt_bigcode" }, "transformer.h.2.attn.c_attn", "transformer.h.2.attn.c_attn"],
    [
      "Gemma 3n",
      { model_type: "gemma3n" },
      "model.language_model.layers.0.mlp.up_proj",
      "model.language_model.layers.0.mlp.up_proj",
    ],
    ["Llama without its config", null, "model.layers.0.self_attn.k_proj", "model.layers.0.self_attn.k_proj"],
  ])("of %s", async (_, fields, module, expected) => {
    expect(await namesFor([module], fields)).toEqual([expected]);
  });

  it.each<[string, Fields | null, typeof UsageError | typeof RefusedError, RegExp]>([
    ["transformer.h.3.attn.c_attn", null, UsageError, /transformer\.h\.3\.attn\.c_attn.*--base-config/],
    ["model.language_model.layers.1.q", null, UsageError, /depends on the base model/],
    ["model.embed_tokens", null, UsageError, /depends on the base model/],
    ["lm_head", null, UsageError, /depends on the base model/],
    ["model.layers.0.mlp.experts.0.up_proj", null, UsageError, /stacks the experts.*--base-config/],
    [
      "bert.encoder.layer.0.attention.self.query",
      { model_type: "bert" },
      RefusedError,
      /does not know .* model_type bert/,
    ],
    [
      "model.visual.blocks.0.attn.qkv",
      { model_type: "qwen2_vl" },
      RefusedError,
      /not a module that mlx-lm adapts in qwen2_vl models/,
    ],
    [
      "model.vision_tower.layers.0.q",
      { model_type: "gemma3" },
      RefusedError,
      /not a module that mlx-lm adapts in gemma3 models/,
    ],
    [
      "model.layers.0.mlp.experts.3.up_proj",
      QWEN3_MOE,
      RefusedError,
      /not an expert that mlx-lm adapts in qwen3_moe.*3 per layer.*--exclude/,
    ],
    ["model.layers.0.mlp.experts.1.w1", QWEN3_MOE, RefusedError, /not an expert that mlx-lm adapts in qwen3_moe/],
    ["model.layers.0.mlp.experts.00.up_proj", QWEN3_MOE, RefusedError, /not an expert that mlx-lm adapts in qwen3_moe/],
    ["model.layers.0.mlp.experts", QWEN3_MOE, RefusedError, /not an expert that mlx-lm adapts in qwen3_moe/],
    [
      "model.layers.0.mlp.experts.1.up_proj",
      { model_type: "llama", tie_word_embeddings: false },
      RefusedError,
      /not an expert that mlx-lm adapts in llama/,
    ],
  ])("refuses %s where the base says %j", async (module, fields, kind, words) => {
    const adapter = await openPico("mine", randomAdapter(1, { modules: { [module]: sizeOf(module) } }));
    const convert = () => loadedWriter("mlx").convert(adapter, fields === null ? null : baseConfig(fields));
    expect(convert).toThrow(kind);
    expect(convert).toThrow(words);
  });
});

describe("an MLX file", () => {
  it("says in its config what mlx-lm makes layers of", async () => {
    const names = [
      "model.layers.1.self_attn.v_proj",
      "model.layers.0.mlp.up_proj",
      "model.layers.0.self_attn.v_proj",
      "lm_head",
    ];
    const modules = Object.fromEntries(names.map((name) => [name, sizeOf(name)]));
    const config = { r: 2, lora_alpha: 3 };
    const base = baseConfig({ model_type: "qwen2", tie_word_embeddings: false });
    const fields = async (more: Fields) =>
      loadedWriter("mlx").convert(
        await openPico("mine", randomAdapter(1, { modules, config: { ...config, ...more } })),
        base,
      ).config!.fields;
    const expected = {
      fine_tune_type: "lora",
      num_layers: -1,
      lora_parameters: { rank: 2, scale: 1.5, dropout: 0, keys: ["lm_head", "mlp.up_proj", "self_attn.v_proj"] },
    };
    expect(await fields({ base_model_name_or_path: "org/base" })).toEqual({ ...expected, model: "org/base" });
    expect(await fields({ base_model_name_or_path: null })).toEqual(expected);
  });

  it.each([
    ["gpt2", ["transformer.h.3.attn.c_attn", "transformer.h.3.mlp.c_proj", "transformer.wpe"]],
    [
      "gpt_neox",
      ["gpt_neox.layers.2.attention.dense", "gpt_neox.layers.2.mlp.dense_4h_to_h", "gpt_neox.embed_in", "embed_out"],
    ],
    ["gpt_bigcode", ["transformer.h.0.attn.c_attn"]],
    ["gemma3", ["language_model.model.layers.1.self_attn.q_proj"]],
    ["llama", ["model.layers.1.mlp.up_proj"]],
  ])("of %s is read under the names that were written", async (type, names) => {
    const modules = Object.fromEntries(names.map((name) => [name, sizeOf(name)]));
    const adapter = await openPico("mine", randomAdapter(1, { modules }));
    const files = await written(adapter, "mlx", baseConfig({ model_type: type, tie_word_embeddings: type === "gpt2" }));
    expect([...(await openAdapter(memoryFolder("mlx", files))).modules.keys()].sort()).toEqual(names.sort());
  });
});

describe("a tied base in MLX", () => {
  const TIED = { model_type: "qwen2", tie_word_embeddings: true };

  it.each([
    ["model.embed_tokens", TIED, /model\.embed_tokens is the embedding.*head with it.*--exclude.*lora-lego fuse/],
    ["lm_head", TIED, /lm_head is the head.*no tensor of its own.*--exclude.*lora-lego fuse/],
    ["transformer.wte", { model_type: "gpt2", tie_word_embeddings: false }, /transformer\.wte is the embedding/],
    ["model.embed_tokens", { model_type: "gemma2", tie_word_embeddings: false }, /is the embedding/],
  ])("refuses %s of %j", async (module, fields, words) => {
    const adapter = await openPico("mine", randomAdapter(1, { modules: { [module]: sizeOf(module) } }));
    const convert = () => loadedWriter("mlx").convert(adapter, baseConfig(fields));
    expect(convert).toThrow(RefusedError);
    expect(convert).toThrow(words);
  });

  it("takes them where the two are apart", async () => {
    const untied = { ...TIED, tie_word_embeddings: false };
    expect(await namesFor(["lm_head", "model.embed_tokens"], untied)).toEqual(["lm_head", "model.embed_tokens"]);
  });
});

describe("experts in MLX", () => {
  const at = (expert: number): string => `model.layers.1.mlp.experts.${expert}.up_proj`;

  it("are stacked by layer and projection, each with its own rank and scale, and zeros for those without", async () => {
    const modules = { [at(0)]: { in: 4, out: 3, rank: 2 }, [at(2)]: { in: 4, out: 3, rank: 1 } };
    const config = { r: 2, lora_alpha: 6, rank_pattern: { [at(2)]: 1 }, alpha_pattern: { [at(2)]: 5 } };
    const pico = randomAdapter(1, { modules, config });
    const { tensors, rank, scale, keys } = await inMlx(await openPico("mine", pico), baseConfig(QWEN3_MOE));
    expect([rank, scale, keys]).toEqual([2, 1, ["mlp.switch_mlp.up_proj"]]);
    const [a, b] = ["a", "b"].map((half) => tensors.get(`model.layers.1.mlp.switch_mlp.up_proj.lora_${half}`)!);
    expect([a!.shape, b!.shape, tensors.size]).toEqual([[3, 2, 4], [3, 3, 2], 2]);
    // y = x + scale * B_e A_e x, as mlx-lm's LoRASwitchLinear has it.
    const delta = (e: number): Float64Array =>
      product(b!.values.slice(6 * e, 6 * (e + 1)), a!.values.slice(8 * e, 8 * (e + 1)), 3, 2, 4);
    expect(relativeError(delta(0), deltaOf(pico, at(0), 2))).toBeLessThan(1e-7);
    expect(relativeError(delta(2), deltaOf(pico, at(2), 1))).toBeLessThan(1e-7);
    expect([...a!.values.slice(8, 16), ...b!.values.slice(6, 12)].every((value) => value === 0)).toBe(true);
  });

  it("of Mixtral take the names of gate, down and up", async () => {
    const modules = ["w1", "w2", "w3"].map((w) => `model.layers.0.block_sparse_moe.experts.0.${w}`);
    const base = { model_type: "mixtral", num_local_experts: 2, tie_word_embeddings: false };
    expect((await namesFor(modules, base)).sort()).toEqual(
      ["down_proj", "gate_proj", "up_proj"].map((own) => `model.layers.0.block_sparse_moe.switch_mlp.${own}`),
    );
  });

  it("of one projection must have one shape", async () => {
    const pico = randomAdapter(1, { modules: { [at(0)]: { in: 4, out: 3 }, [at(1)]: { in: 5, out: 3 } } });
    const adapter = await openPico("mine", pico);
    expect(() => loadedWriter("mlx").convert(adapter, baseConfig(QWEN3_MOE))).toThrow(/is 4 -> 3, but .*is 5 -> 3/);
  });

  it.each<[string, Dtype, Dtype, string]>([
    ["one 16-bit type stay in it", "BF16", "BF16", "BF16"],
    ["different types become f32", "F32", "F16", "F32"],
    ["types that mlx-lm does not read as numbers become f32", "F8_E4M3", "F8_E4M3", "F32"],
  ])("of %s (%s, %s: %s)", async (_, one, other, expected) => {
    const adapter = await openPeft([...linear(at(0), 2, 3, 4, one), ...linear(at(1), 2, 3, 4, other)]);
    const conversion = loadedWriter("mlx").convert(adapter, baseConfig(QWEN3_MOE));
    expect(conversion.tensors.map(({ dtype }) => dtype)).toEqual([expected, expected]);
  });
});

describe.skipIf(!hasCases)(`public cases in MLX${CASES_ABSENT}`, () => {
  const open = async (name: string): Promise<Adapter> => (await openAdapterPath(casePath(`llm/${name}/a`))).adapter;

  it("mlx-real-tied-embed is refused on its tied base", async () => {
    const adapter = await open("mlx-real-tied-embed");
    expect(() => loadedWriter("mlx").convert(adapter, caseConfig("llm/bases/qwen2tied/config.json"))).toThrow(
      /model\.embed_tokens is the embedding/,
    );
  });

  it("mlx-real-moe has its experts in switch_mlp", async () => {
    const adapter = await open("mlx-real-moe");
    const { tensors } = await inMlx(adapter, caseConfig("llm/bases/qwen3moe/config.json"));
    expect([...tensors.keys()].filter((key) => key.includes("experts"))).toEqual([]);
    expect(tensors.get("model.layers.1.mlp.switch_mlp.down_proj.lora_a")!.shape).toEqual([4, 8, 24]);
    expect(tensors.get("model.layers.1.mlp.switch_mlp.down_proj.lora_b")!.shape).toEqual([4, 32, 8]);
  });

  it.each([
    ["mlx-real-gemma3-old", "gemma3"],
    ["mlx-real-plain", "qwen2tied"],
    ["mlx-real-moe-attn", "qwen3moe"],
  ])("%s is written as before, with its base's config and without", async (name, base) => {
    const adapter = await open(name);
    const [without, beside] = [
      await written(adapter, "mlx"),
      await written(adapter, "mlx", caseConfig(`llm/bases/${base}/config.json`)),
    ];
    expect(beside).toEqual(without);
  });
});
