import { describe, expect, it } from "vitest";
import { isEmbeddingName, isHeadName, isTableName } from "../../../src/adapter/names/vocabulary.ts";

describe("names of embeddings and heads", () => {
  it.each([
    "model.embed_tokens",
    "transformer.wte",
    "transformer.word_embeddings",
    "gpt_neox.embed_in",
    "tok_embeddings",
    "token_embd",
    "shared",
    "backbone.embeddings",
    "backbone.embedding",
  ])("%s looks tokens up", (name) => {
    expect([isEmbeddingName(name), isHeadName(name), isTableName(name)]).toEqual([true, false, true]);
  });

  it.each(["lm_head", "language_model.lm_head", "embed_out", "output", "model.output", "transformer.output_layer"])(
    "%s scores tokens",
    (name) => {
      expect([isEmbeddingName(name), isHeadName(name), isTableName(name)]).toEqual([false, true, false]);
    },
  );

  it.each(["transformer.wpe", "position_embd"])("%s looks rows up, but no tokens", (name) => {
    expect([isEmbeddingName(name), isHeadName(name), isTableName(name)]).toEqual([false, false, true]);
  });

  it.each(["model.layers.0.mlp.down_proj", "blk.0.attn_output", "model.layers.0.attention.output", "lm_head.dense"])(
    "%s is neither",
    (name) => {
      expect([isEmbeddingName(name), isHeadName(name), isTableName(name)]).toEqual([false, false, false]);
    },
  );
});
