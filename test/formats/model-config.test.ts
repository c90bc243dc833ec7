import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/core/errors.ts";
import { parseModelConfig } from "../../src/formats/model-config.ts";

const parse = (fields: object) => parseModelConfig(JSON.stringify(fields), "base/config.json");

describe("a model's config.json", () => {
  it("tells heads and vocabulary, of several parts the language model's", () => {
    const text = {
      model_type: "qwen2",
      num_attention_heads: 4,
      num_key_value_heads: 2,
      vocab_size: 64,
      hidden_size: 8,
    };
    const expected = {
      ...{ modelType: "qwen2", wholeType: "qwen2", heads: 4, keyValueHeads: 2, tied: false, vocabSize: 64 },
      ...{ architectures: [], layers: null, hiddenSize: 8, experts: null },
    };
    expect(parse(text)).toEqual(expected);
    const whole = { model_type: "qwen2_5_vl", architectures: ["Whole"], vocab_size: 3, text_config: text };
    expect(parse(whole)).toEqual({ ...expected, wholeType: "qwen2_5_vl", architectures: ["Whole"] });
    expect(parse({ model_type: "gpt2", n_head: 12, n_layer: 3, n_embd: 24 })).toMatchObject({
      ...{ heads: 12, keyValueHeads: 12, vocabSize: null },
      ...{ layers: 3, hiddenSize: 24 },
    });
  });

  it.each(["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"])(
    "counts the experts of a layer by %s",
    (field) => {
      expect(parse({ model_type: "m", [field]: 8 }).experts).toBe(8);
      expect(() => parse({ model_type: "m", [field]: 0 })).toThrow(FormatError);
    },
  );

  it.each([
    ["llama", false],
    ["mistral", false],
    ["qwen2", false],
    ["qwen3_moe", false],
    ["phi3", false],
    ["gemma", true],
    ["gemma2", true],
    ["gemma3_text", true],
    ["gpt2", true],
    ["bloom", true],
    ["never_heard_of", false],
  ])("takes the head of %s, where nothing is said, as tied: %s", (model_type, tied) => {
    expect(parse({ model_type }).tied).toBe(tied);
    expect(parse({ model_type, tie_word_embeddings: null }).tied).toBe(tied);
    for (const said of [true, false]) expect(parse({ model_type, tie_word_embeddings: said }).tied).toBe(said);
  });

  it("lets the whole model's field decide before its language model's, and its family before that of its part", () => {
    const part = (more: object) => ({ text_config: { model_type: "gemma3_text", ...more } });
    expect(parse({ model_type: "gemma3", ...part({}) }).tied).toBe(true);
    expect(parse({ model_type: "gemma3", ...part({ tie_word_embeddings: false }) }).tied).toBe(false);
    expect(
      parse({ model_type: "gemma3", tie_word_embeddings: true, ...part({ tie_word_embeddings: false }) }).tied,
    ).toBe(true);
    expect(parse({ model_type: "llava", ...part({}) }).tied).toBe(false);
  });

  it.each([
    [{ tie_word_embeddings: "yes" }, /tie_word_embeddings is "yes", but must be true or false/],
    [{ vocab_size: -1 }, /vocab_size is -1, but must be a whole number/],
    [{ model_type: 3 }, /has no model_type/],
  ])("refuses %j", (fields, words) => {
    expect(() => parse({ model_type: "llama", ...fields })).toThrow(FormatError);
    expect(() => parse({ model_type: "llama", ...fields })).toThrow(words);
  });
});
