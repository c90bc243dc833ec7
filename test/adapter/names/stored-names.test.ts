import { describe, expect, it } from "vitest";
import { storedNames } from "../../../src/adapter/names/stored-names.ts";

const Q = "layers.0.self_attn.q_proj";

describe("the names that a model has for a module", () => {
  it.each([
    ["itself before all others", [Q, `model.${Q}`], Q, [Q]],
    ["of another release", [`model.language_model.${Q}`], `model.${Q}`, [`model.language_model.${Q}`]],
    [
      "of another release before other prefixes",
      [`model.language_model.${Q}`, Q],
      `model.${Q}`,
      [`model.language_model.${Q}`],
    ],
    ["of a tower, once", ["visual.blocks.0.attn.qkv"], "model.visual.blocks.0.attn.qkv", ["visual.blocks.0.attn.qkv"]],
    ["with a prefix more", [`model.${Q}`], Q, [`model.${Q}`]],
    ["with a prefix less", [Q], `model.${Q}`, [Q]],
    ["with another prefix", ["transformer.h.0.mlp"], "model.h.0.mlp", ["transformer.h.0.mlp"]],
    ["that are several", [`model.${Q}`, `language_model.${Q}`], Q, [`model.${Q}`, `language_model.${Q}`]],
    ["that it lacks", [`other.${Q}`], Q, []],
  ])("are those %s", (_, stored, name, expected) => {
    expect(storedNames(new Set(stored), name)).toEqual(expected);
  });
});
