import { describe, expect, it } from "vitest";
import { memorySink, memorySource } from "../../src/core/bytes.ts";
import { planBaseGguf, writeBaseGguf } from "../../src/evaluate/base-gguf.ts";
import { readGguf } from "../../src/formats/gguf/header.ts";
import { openPicoModel } from "../support/models.ts";
import type { Nested } from "../support/pico.ts";

/** Tokens: <s>, a, b and ab. */
const TOKENIZER = JSON.stringify({
  added_tokens: [{ id: 0, content: "<s>", special: true }],
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
  post_processor: { type: "TemplateProcessing", single: [{ SpecialToken: { id: "<s>", type_id: 0 } }] },
  model: { type: "BPE", vocab: { "<s>": 0, a: 1, b: 2, ab: 3 }, merges: [["a", "b"]] },
});
const LLAMA = {
  model_type: "llama",
  hidden_size: 4,
  num_attention_heads: 1,
  num_hidden_layers: 1,
  intermediate_size: 2,
  max_position_embeddings: 8,
  rms_norm_eps: 1e-5,
  vocab_size: 5,
  bos_token_id: 0,
  tie_word_embeddings: true,
  rope_parameters: { rope_type: "default", rope_theta: 500 },
};
const numbered = (rows: number, columns: number): number[][] =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => 10 * i + j));
const layer = "model.layers.0.";
const TENSORS: Record<string, Nested> = {
  "model.embed_tokens.weight": numbered(5, 4),
  "lm_head.weight": numbered(5, 4),
  [`${layer}input_layernorm.weight`]: [1, 2, 3, 4],
  [`${layer}self_attn.q_proj.weight`]: numbered(4, 4),
  [`${layer}self_attn.v_proj.weight`]: numbered(4, 4),
  [`${layer}self_attn.rotary_emb.inv_freq`]: [1, 2],
  "model.norm.weight": [1, 1, 1, 1],
};

async function written(config: object, tensors: Record<string, Nested>, tokenizer = TOKENIZER) {
  const model = await openPicoModel(tensors);
  const plan = planBaseGguf(model, JSON.stringify(config), tokenizer);
  const sink = memorySink(plan.layout.size);
  await writeBaseGguf(model, plan, sink);
  const { metadata, tensors: found } = await readGguf(memorySource("base.gguf", sink.bytes));
  const valuesOf = (name: string): number[] => {
    const { begin, end } = found.get(name)!;
    return [...new Float32Array(sink.bytes.slice(begin, end).buffer)];
  };
  return { metadata, found, valuesOf };
}

describe("a whole model as GGUF", () => {
  it("has llama.cpp's names, its own hyper-parameters and tokens, and query rows in llama.cpp's order", async () => {
    const { metadata, found, valuesOf } = await written(LLAMA, TENSORS);
    expect([...found.keys()].sort()).toEqual(
      [
        "blk.0.attn_norm.weight",
        "blk.0.attn_q.weight",
        "blk.0.attn_v.weight",
        "output_norm.weight",
        "token_embd.weight",
      ].sort(),
    );
    // One head of four rows: its halves 0 1 and 2 3 lie one entry after the other.
    expect(valuesOf("blk.0.attn_q.weight")).toEqual([0, 2, 1, 3].flatMap((row) => numbered(4, 4)[row]!));
    expect(valuesOf("blk.0.attn_v.weight")).toEqual(numbered(4, 4).flat());
    expect(Object.fromEntries(metadata)).toMatchObject({
      "general.architecture": "llama",
      "llama.attention.head_count": 1,
      "llama.attention.head_count_kv": 1,
      "llama.rope.freq_base": 500,
      "llama.context_length": 8,
      "tokenizer.ggml.model": "gpt2",
      "tokenizer.ggml.tokens": ["<s>", "a", "b", "ab", "[PAD4]"],
      "tokenizer.ggml.token_type": [3, 1, 1, 1, 5],
      "tokenizer.ggml.merges": ["a b"],
      "tokenizer.ggml.bos_token_id": 0,
      "tokenizer.ggml.add_bos_token": true,
    });
  });

  it("has gpt2's matrices turned, with or without transformer in front of the names", async () => {
    const config = {
      model_type: "gpt2",
      n_embd: 2,
      n_head: 1,
      n_layer: 1,
      n_positions: 4,
      layer_norm_epsilon: 1e-5,
      activation_function: "gelu_new",
    };
    for (const prefix of ["", "transformer."]) {
      const { found, valuesOf, metadata } = await written(config, {
        [`${prefix}wte.weight`]: numbered(5, 2),
        [`${prefix}h.0.attn.c_attn.weight`]: numbered(2, 6),
        [`${prefix}h.0.attn.c_attn.bias`]: [1, 2, 3, 4, 5, 6],
        [`${prefix}h.0.attn.bias`]: [[1]],
        [`${prefix}ln_f.bias`]: [1, 2],
      });
      expect(found.get("blk.0.attn_qkv.weight")!.shape).toEqual([6, 2]);
      expect(valuesOf("blk.0.attn_qkv.weight")).toEqual([0, 10, 1, 11, 2, 12, 3, 13, 4, 14, 5, 15]);
      expect(valuesOf("blk.0.attn_qkv.bias")).toEqual([1, 2, 3, 4, 5, 6]);
      expect(found.has("output_norm.bias")).toBe(true);
      expect(metadata.get("gpt2.feed_forward_length")).toBe(8);
    }
  });

  it("keeps the output's own weights where they are not tied, which llama's config says by saying nothing", async () => {
    const { tie_word_embeddings: _, ...untied } = LLAMA;
    const output = { ...TENSORS, "lm_head.weight": numbered(5, 4).map((row) => row.map((value) => -value)) };
    const { valuesOf } = await written(untied, output);
    expect(valuesOf("output.weight")).toEqual(numbered(5, 4).flatMap((row) => row.map((value) => -value)));
    const { "lm_head.weight": __, ...without } = TENSORS;
    await expect(written(untied, without)).rejects.toThrow(/no lm_head\.weight, though its config\.json does not tie/);
  });

  it.each([
    [
      "another family",
      { ...LLAMA, model_type: "mamba" },
      TENSORS,
      TOKENIZER,
      /does not convert whole models of model_type mamba \(only of llama, qwen2, gpt2\)/,
    ],
    [
      "stretched positions",
      { ...LLAMA, rope_scaling: { type: "linear" } },
      TENSORS,
      TOKENIZER,
      /rope_scaling is an object, which lora-lego does not convert/,
    ],
    ["another rope", { ...LLAMA, rope_parameters: { rope_type: "yarn" } }, TENSORS, TOKENIZER, /rope_type is "yarn"/],
    [
      "a tensor without a place",
      LLAMA,
      { ...TENSORS, "model.extra.weight": [1] },
      TOKENIZER,
      /model\.extra\.weight \(F32\) has no place/,
    ],
    ["no embeddings", LLAMA, { "model.norm.weight": [1] }, TOKENIZER, /no tensor of input embeddings/],
    [
      "a size that is none",
      { ...LLAMA, hidden_size: 0 },
      TENSORS,
      TOKENIZER,
      /hidden_size is 0, but must be a whole number above 0/,
    ],
    [
      "a window of attention",
      { ...LLAMA, model_type: "mistral", sliding_window: 4 },
      TENSORS,
      TOKENIZER,
      /sliding_window is 4, which lora-lego does not convert/,
    ],
    [
      "heads that rows cannot be shared by",
      { ...LLAMA, num_attention_heads: 3 },
      TENSORS,
      TOKENIZER,
      /q_proj\.weight has 4 rows, which 3 heads cannot share in pairs/,
    ],
    ["a normalizer", LLAMA, TENSORS, TOKENIZER.replace("{", '{"normalizer":{"type":"NFC"},'), /has a normalizer/],
    ["another tokenizer", LLAMA, TENSORS, '{"model":{"type":"WordLevel"}}', /not a byte-level BPE/],
    [
      "a tokenizer of another model",
      LLAMA,
      TENSORS,
      TOKENIZER.replace('"ab":3', '"ab":7'),
      /gives the token "ab" the id 7, but the model has 5 rows/,
    ],
  ])("refuses %s", async (_, config, tensors, tokenizer, message) => {
    await expect(written(config, tensors, tokenizer)).rejects.toThrow(message);
  });
});
