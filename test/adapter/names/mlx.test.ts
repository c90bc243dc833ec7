import { describe, expect, it } from "vitest";
import { expertOfMlx, mlxFamily, mlxName, moduleOfMlx } from "../../../src/adapter/names/mlx.ts";

describe("mlx-lm's name of a module", () => {
  it.each([
    // Names that come back as they were.
    ["llama", "model.layers.3.mlp.up_proj", "model.layers.3.mlp.up_proj"],
    ["llama", "model.embed_tokens", "model.embed_tokens"],
    ["llama", "lm_head", "lm_head"],
    ["gpt2", "transformer.h.0.attn.c_attn", "model.h.0.attn.c_attn"],
    ["gpt2", "transformer.h.11.mlp.c_fc", "model.h.11.mlp.c_fc"],
    ["gpt2", "transformer.wte", "model.wte"],
    ["gpt_bigcode", "transformer.h.0.attn.c_attn", "transformer.h.0.attn.c_attn"],
    ["gpt_neox", "gpt_neox.layers.0.attention.dense", "model.h.0.attention.dense"],
    ["gpt_neox", "gpt_neox.embed_in", "model.embed_in"],
    ["gpt_neox", "embed_out", "model.embed_out"],
    ["gemma3", "language_model.model.layers.3.mlp.up_proj", "language_model.model.layers.3.mlp.up_proj"],
    ["gemma3n", "model.language_model.layers.3.mlp.up_proj", "model.language_model.layers.3.mlp.up_proj"],
  ])("in %s: %s is %s, and back", (type, module, name) => {
    expect(mlxName(mlxFamily(type), module)).toBe(name);
    expect(moduleOfMlx(name)).toBe(module);
  });

  it.each([
    ["model.language_model.layers.3.mlp.up_proj", "language_model.model.layers.3.mlp.up_proj"],
    ["model.layers.3.mlp.up_proj", "language_model.model.layers.3.mlp.up_proj"],
    ["lm_head", "language_model.lm_head"],
  ])("has the language model's old place in models of several parts: %s", (module, name) => {
    expect(mlxName(mlxFamily("gemma3"), module)).toBe(name);
  });

  it("is none for a module that mlx-lm does not have", () => {
    const llama = mlxFamily("llama");
    for (const module of ["vision_tower.layers.3.mlp.up_proj", "lm_head.0", "model.embed_tokens_2", "model.norm"]) {
      expect([module, mlxName(llama, module)]).toEqual([module, null]);
    }
  });

  it("is the module's own in layers that no family renames, where the family is not known", () => {
    expect(mlxFamily("nobody")).toBeNull();
    for (const module of ["model.layers.3.mlp.up_proj", "language_model.model.layers.3.mlp.up_proj"]) {
      expect(mlxName(null, module)).toBe(module);
    }
    for (const module of ["lm_head", "transformer.h.0.attn.c_attn", "model.language_model.layers.3.mlp.up_proj"]) {
      expect([module, mlxName(null, module)]).toEqual([module, null]);
    }
  });
});

describe("a stack of experts in mlx-lm", () => {
  it.each([
    ["model.layers.0.mlp.switch_mlp.up_proj", "model.layers.0.mlp.experts.2.up_proj"],
    ["model.layers.0.mlp.experts.down_proj", "model.layers.0.mlp.experts.2.down_proj"],
    ["model.layers.0.block_sparse_moe.switch_mlp.gate_proj", "model.layers.0.block_sparse_moe.experts.2.w1"],
    ["model.layers.0.block_sparse_moe.switch_mlp.down_proj", "model.layers.0.block_sparse_moe.experts.2.w2"],
    ["model.layers.0.block_sparse_moe.switch_mlp.up_proj", "model.layers.0.block_sparse_moe.experts.2.w3"],
  ])("%s is %s and so on", (stack, third) => {
    expect(expertOfMlx(stack)!(2)).toBe(third);
  });

  it("is no module of another name", () => {
    expect(expertOfMlx("model.layers.0.mlp.up_proj")).toBeNull();
    expect(expertOfMlx("model.layers.0.mlp.switch_mlp.gate")).toBeNull();
  });
});
