import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { ggufName, moduleOfGguf, refuseGgufNames } from "../../src/adapter/names/gguf.ts";
import { GGUF_FAMILIES } from "../../src/adapter/names/gguf-families.ts";
import { headOrder, inverseOf, permutedRows } from "../../src/adapter/names/head-rows.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { RefusedError } from "../../src/core/errors.ts";
import { layoutGguf } from "../../src/formats/gguf/layout.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { GGUF_MANIFEST, goldenGguf } from "../support/gguf.ts";
import { memoryFolder, rejection } from "../support/memory-folder.ts";
import { decodeAdapter, relativeError } from "../support/pico.ts";
import { strided } from "../support/strided.ts";

const config = (fields: object) => ({ text: JSON.stringify(fields), where: "config.json" });
const LLAMA = config({ model_type: "llama", num_attention_heads: 4, num_key_value_heads: 2 });

const open = (bytes: Uint8Array, base: ReturnType<typeof config> | null = null): Promise<Adapter> =>
  openAdapter(memoryFolder("mine", { "lora.gguf": bytes }), { baseConfig: base });

describe("GGUF's names", () => {
  it.each(Object.keys(GGUF_MANIFEST.names))("are those of Python's gguf for %s", (architecture) => {
    const family = GGUF_FAMILIES.find((known) => known.architecture === architecture)!;
    for (const [module, name] of Object.entries(GGUF_MANIFEST.names[architecture]!)) {
      expect([module, ggufName(family, module)]).toEqual([module, name]);
      if (name !== null) expect(moduleOfGguf(family, name)).toBe(module);
    }
  });

  it("are the same for language models inside of multimodal ones", () => {
    const gemma = GGUF_FAMILIES.find(({ architecture }) => architecture === "gemma3")!;
    for (const wrapper of ["model.language_model.", "language_model.model."]) {
      expect(ggufName(gemma, `${wrapper}layers.3.mlp.up_proj`)).toBe("blk.3.ffn_up");
    }
    expect(ggufName(gemma, "vision_tower.layers.3.mlp.up_proj")).toBeNull();
  });
});

describe("GGUF's names of Llama's modules", () => {
  const llama = GGUF_FAMILIES.find(({ architecture }) => architecture === "llama")!;

  it.each([
    ["a module outside of the layers", "model.norm", "output_norm"],
    ["another list of layers", "audio.layers.3.mlp.up_proj", "enc.blk.3.ffn_up"],
    ["what follows no number", "model.layers.norm", "blk.norm"],
    ["a module that the family does not have", "model.layers.3.mlp.router", "blk.3.ffn_gate_inp_shexp"],
  ])("are none for %s", (_, module, name) => {
    expect([ggufName(llama, module), moduleOfGguf(llama, name)]).toEqual([null, null]);
  });

  it("are those of its head in every place that Hugging Face's code has for it", () => {
    for (const head of ["lm_head", "model.lm_head", "language_model.lm_head", "model.language_model.lm_head"]) {
      expect([head, ggufName(llama, head)]).toEqual([head, "output"]);
    }
  });

  it("are refused where other names are needed, wherever they stand among them", () => {
    expect(() => refuseGgufNames("mine", ["model.layers.0.self_attn.q_proj", "lm_head"])).not.toThrow();
    expect(() => refuseGgufNames("mine", ["lm_head", "blk.0.attn_q"])).toThrow(
      /^mine: blk\.0\.attn_q is llama\.cpp's name of a module, .*; pass that file as --base-config\.$/,
    );
  });
});

describe("the rows of queries and keys", () => {
  it.each(GGUF_MANIFEST.orders)(
    "are permuted as convert_hf_to_gguf does: $rows rows, $heads heads",
    ({ rows, heads, order }) => {
      const ours = permutedRows(rows, heads);
      expect([...ours]).toEqual(order);
      expect([...inverseOf(ours)].map((at) => ours[at])).toEqual(Array.from({ length: rows }, (_, i) => i));
    },
  );
});

describe("rows that a config's heads cannot share", () => {
  const order = (architecture: string, module: string, rows: number, heads: number | null, hiddenSize = 16) => {
    const family = GGUF_FAMILIES.find((known) => known.architecture === architecture)!;
    return headOrder(family, { heads, keyValueHeads: heads, hiddenSize }, `blk.3.${module}`, rows, "mine: q");
  };
  const fused = (rows: number, heads: number | null, hiddenSize = 16) =>
    order("falcon", "attn_qkv", rows, heads, hiddenSize);

  it("are refused where they are no pairs for each head", () => {
    expect(order("llama", "attn_q", 8, 4)).toHaveLength(8);
    expect(order("llama", "attn_v", 7, 8)).toBeNull();
    const words = (heads: string) =>
      new RefusedError(
        `mine: q has 8 rows, which ${heads} heads cannot share in pairs; use the config.json of the model that it belongs to.`,
      );
    expect(() => order("llama", "attn_q", 8, 8)).toThrow(words("8"));
    expect(() => order("llama", "attn_q", 8, null)).toThrow(words("an unknown number of"));
  });

  it.each([
    ["no number of heads", 32, null, 16],
    ["heads of no whole size", 54, 4, 18],
    ["fewer rows than for the queries alone", 8, 4, 16],
    ["no rows for keys and values", 16, 4, 16],
    ["heads of keys that do not divide those of queries", 40, 4, 16],
    ["half a head of keys", 20, 4, 16],
  ])("are refused with %s beside those of queries", (_, rows, heads, hiddenSize) => {
    // Four heads of 4 rows, and two of keys and two of values, are 32 rows.
    expect(fused(32, 4)).toHaveLength(32);
    expect(() => fused(rows, heads, hiddenSize)).toThrow(
      new RefusedError(
        `mine: q has ${rows} rows, which ${heads ?? "an unknown number of"} heads cannot share with their keys and values; use the config.json of the model that it belongs to.`,
      ),
    );
  });
});

describe("a GGUF adapter", () => {
  const f32 = goldenGguf("lora-f32.gguf");

  it("keeps the file's names where rows of an unknown order are among them", async () => {
    const adapter = await open(f32);
    expect(adapter.format).toBe("gguf");
    expect([...adapter.modules.keys()]).toEqual(["blk.0.attn_q", "blk.1.ffn_down", "token_embd"]);
    expect(adapter.modules.get("blk.0.attn_q")).toMatchObject({ in: 32, out: 16, rank: 4, scale: 4 });
    expect(adapter.modules.get("token_embd")).toMatchObject({ kind: "embedding", in: 40, out: 32 });
  });

  it("gets Hugging Face's names and rows with the base's config", async () => {
    const { modules } = await open(f32, LLAMA);
    expect([...modules.keys()]).toEqual([
      "model.layers.0.self_attn.q_proj",
      "model.layers.1.mlp.down_proj",
      "model.embed_tokens",
    ]);
    const stored = GGUF_MANIFEST.adapters.F32!["blk.0.attn_q.weight.lora_b"]!.values;
    const adapter = await open(f32, LLAMA);
    const b = strided(adapter.modules.get("model.layers.0.self_attn.q_proj")!.b);
    const bytes = new Uint8Array(b.end - b.begin);
    await adapter.files[b.file]!.read(b.begin, bytes);
    const rows = new Float32Array(bytes.buffer);
    expect(rows).toHaveLength(16 * 4);
    // 16 rows, 4 heads of 4: Hugging Face's row 1 of head 0 is the GGUF's row 2.
    expect([...rows.subarray(4, 8)]).toEqual(stored.slice(8, 12).map(Math.fround));
    expect([...rows.subarray(0, 4)]).toEqual(stored.slice(0, 4).map(Math.fround));
  });

  it.each(["F16", "BF16", "Q8_0"])("merges alike from %s, but for its rounding", async (dtype) => {
    const deltas = async (bytes: Uint8Array): Promise<Map<string, Float64Array>> => {
      const { config: made, weights } = await mergeInMemory([await open(bytes)], { method: "cat", dtype: "f32" });
      const { modules } = decodeAdapter(JSON.stringify(made), weights);
      return new Map(Array.from(modules, ([name, { delta }]) => [name, delta]));
    };
    const [exact, rounded] = [await deltas(f32), await deltas(goldenGguf(`lora-${dtype.toLowerCase()}.gguf`))];
    for (const [name, delta] of exact) {
      const error = relativeError(rounded.get(name)!, delta);
      expect(error).toBeGreaterThan(0);
      expect(error).toBeLessThan(0.02);
    }
  });

  it("refuses the config of a model of other sizes", async () => {
    const other = { ...LLAMA, text: JSON.stringify({ ...JSON.parse(LLAMA.text), num_hidden_layers: 1 }) };
    await expect(open(f32, other)).rejects.toThrow(/layers\.1\.mlp\.down_proj is in layer 1, but .* has 1 layers/);
  });

  it("names modules without a config where no rows are permuted", async () => {
    const layout = layoutGguf(
      [
        ["general.architecture", "qwen2"],
        ["general.type", "adapter"],
        ["adapter.type", "lora"],
      ],
      [
        { name: "blk.7.attn_q.weight.lora_a", dtype: "F32", shape: [1, 2] },
        { name: "blk.7.attn_q.weight.lora_b", dtype: "F32", shape: [3, 1] },
      ],
    );
    const bytes = new Uint8Array(layout.size);
    bytes.set(layout.header);
    const { modules } = await open(bytes);
    expect([...modules]).toEqual([["model.layers.7.self_attn.q_proj", expect.objectContaining({ scale: 1 })]]);
  });

  it("refuses another base's config", async () => {
    for (const [base, words] of [
      [config({ model_type: "qwen2" }), /adapter for llama, but .* model_type qwen2/],
      [
        config({ model_type: "llama", num_attention_heads: 3 }),
        /16 rows, which 3 heads cannot share in pairs; use the config.json of the model that/,
      ],
    ] as const) {
      const error = await rejection(open(f32, base));
      expect(error).toBeInstanceOf(RefusedError);
      expect(error.message).toMatch(words);
    }
  });

  it("is refused in quantized types that are not read, with those that are", async () => {
    const name = "blk.0.attn_q.weight.lora_a";
    const { header, size } = layoutGguf(
      [
        ["general.type", "adapter"],
        ["adapter.type", "lora"],
      ],
      [{ name, dtype: "F32", shape: [1, 32] }],
    );
    const bytes = new Uint8Array(size);
    bytes.set(header);
    // After the name: the number of sizes in 4 bytes, two sizes in 8, the type.
    const type = Buffer.from(bytes).indexOf(name) + name.length + 4 + 2 * 8;
    const Q4_0 = 2;
    new DataView(bytes.buffer).setUint32(type, Q4_0, true);
    const error = await rejection(open(bytes));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toMatch(
      /lora_a is quantized to Q4_0, which lora-lego does not read; .*--outtype f16 or q8_0\.$/,
    );
  });

  it.each([
    [[["general.architecture", "llama"]], /is a base model according to its metadata, not an adapter/],
    [
      [
        ["general.type", "mmproj"],
        ["adapter.type", "lora"],
      ],
      /a mmproj according to its metadata/,
    ],
    [
      [
        ["general.type", "adapter"],
        ["adapter.type", "control"],
      ],
      /adapter of type control/,
    ],
  ] as const)("refuses what is no LoRA: %j", async (metadata, words) => {
    const { header, size } = layoutGguf(metadata as never, []);
    const bytes = new Uint8Array(size);
    bytes.set(header);
    const error = await rejection(open(bytes));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toMatch(words);
  });
});
