import { describe, expect, it } from "vitest";
import { newestName, releaseOf, spellings } from "../../src/adapter/names/renamed.ts";

describe("names from before and after a release of transformers", () => {
  it.each([
    ["model.layers.3.mlp.up_proj", "model.language_model.layers.3.mlp.up_proj"],
    ["language_model.model.layers.3.mlp.up_proj", "model.language_model.layers.3.mlp.up_proj"],
    ["model.language_model.layers.3.mlp.up_proj", "model.language_model.layers.3.mlp.up_proj"],
    ["model.embed_tokens", "model.language_model.embed_tokens"],
    ["language_model.model.norm.weight", "model.language_model.norm.weight"],
    ["lm_head", "lm_head"],
    ["language_model.lm_head.weight", "lm_head.weight"],
    ["visual.blocks.0.attn.qkv", "model.visual.blocks.0.attn.qkv"],
    ["model.vision_tower.encoder.0.q", "model.vision_tower.encoder.0.q"],
    ["multi_modal_projector.linear_1", "model.multi_modal_projector.linear_1"],
  ])("are one: %s", (name, newest) => {
    expect(newestName(name)).toBe(newest);
    expect(spellings(name)).toContain(name);
    for (const spelling of spellings(name)!) expect(newestName(spelling)).toBe(newest);
  });

  it.each([
    "model.decoder.layers.0.fc1",
    "model.encoder.layers.0.fc1",
    "h.0.attn.c_attn",
    "transformer.h.0.mlp",
    "model.layersx.0",
    "language_model.layers.0.q",
    "lm_headless",
    "text_model.encoder.layers.0.q",
  ])("are left alone where no release changed them: %s", (name) => {
    expect(spellings(name)).toBeNull();
    expect(newestName(name)).toBe(name);
  });

  it("tell the newest release that may have given them", () => {
    expect(releaseOf(["model.language_model.layers.0.q"])).toBe(0);
    expect(releaseOf(["language_model.model.layers.0.q", "lm_head"])).toBe(1);
    expect(releaseOf(["model.layers.0.q", "lm_head"])).toBe(2);
    expect(releaseOf(["visual.blocks.0.q"])).toBe(1);
    // One of two suffices, and a name that no release changed says nothing.
    expect(releaseOf(["model.layers.0.q", "model.language_model.layers.1.q"])).toBe(0);
    expect(releaseOf(["transformer.h.0.mlp"])).toBe(0);
  });
});
