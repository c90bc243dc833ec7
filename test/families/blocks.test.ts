import { describe, expect, it } from "vitest";
import { blockOf } from "../../src/families/blocks.ts";
import { DENOISERS, familyById, TEXT_ENCODERS } from "../../src/families/families.ts";

const numbered = (pattern: string): string => {
  let next = 3;
  return pattern.replaceAll("#", () => String(next++));
};

describe("the block of a path", () => {
  it.each([
    ["double_blocks.3.img_attn.qkv", "double_blocks.3"],
    ["single_transformer_blocks.12.attn.to_q", "single_transformer_blocks.12"],
    ["input_blocks.4.1.transformer_blocks.0.attn1.to_q", "input_blocks.4"],
    ["middle_block.1.proj_in", "middle_block"],
    ["mid_block.attentions.0.proj_in", "mid_block"],
    ["context_refiner.1.attention.qkv", "context_refiner.1"],
    ["txt_in.individual_token_refiner.blocks.1.mlp.0", "txt_in.individual_token_refiner.blocks.1"],
    ["text_model.encoder.layers.11.mlp.fc1", "text_model.encoder.layers.11"],
    ["time_text_embed.timestep_embedder.linear_1", null],
    ["img_emb.proj.1", null],
    ["final_layer.linear", null],
  ])("of %s is %s", (path, block) => expect(blockOf(path)).toBe(block));

  it("ends at the first number of every weight in the tables", () => {
    const weights = [...DENOISERS, ...TEXT_ENCODERS].flatMap((family) => family.weights);
    for (const { path } of weights) {
      const [list, ...rest] = path.split(".#");
      const expected = path.startsWith("mid_block") ? "mid_block" : rest.length === 0 ? null : `${list}.3`;
      expect(blockOf(numbered(path)), path).toBe(expected);
    }
  });
});

describe("the paths of a weight", () => {
  const pathsOf = (id: string, path: string) => {
    const family = familyById(id);
    const found = family.find(path, false)!;
    return family.pathsOf({ ...found.value, numbers: found.numbers });
  };

  it("are those of its model's own code, of other copies of that, and of diffusers", () => {
    expect(pathsOf("flux1", "double_blocks.2.img_mlp.0")).toEqual([
      "double_blocks.2.img_mlp.0",
      "transformer_blocks.2.ff.net.0.proj",
    ]);
    expect(pathsOf("hunyuan-video", "double_blocks.2.img_attn.qkv")).toEqual([
      "double_blocks.2.img_attn.qkv",
      "double_blocks.2.img_attn_qkv",
    ]);
    expect(pathsOf("flux1", "transformer_blocks.2.attn.to_k")).toEqual([
      "double_blocks.2.img_attn.qkv.k",
      "double_blocks.2.img_attn.qkv.1",
      "transformer_blocks.2.attn.to_k",
    ]);
  });

  it("are those of ldm for a UNet, whose blocks have other numbers there", () => {
    const attention = "transformer_blocks.7.attn2.to_out.0";
    expect(pathsOf("unet", `down_blocks.1.attentions.0.${attention}`)).toEqual([
      `down_blocks.1.attentions.0.${attention}`,
      "down_blocks.1.attentions.0.transformer_blocks.7.attn2.to_out",
      `input_blocks.4.1.${attention}`,
    ]);
    expect(pathsOf("unet", "mid_block.resnets.1.conv1")).toEqual([
      "mid_block.resnets.1.conv1",
      "middle_block.2.in_layers.2",
    ]);
    expect(pathsOf("unet", "up_blocks.1.upsamplers.0.conv")).toEqual([
      "up_blocks.1.upsamplers.0.conv",
      "output_blocks.5.1.conv",
      "output_blocks.5.2.conv",
    ]);
    expect(pathsOf("unet", "conv_out")).toEqual(["conv_out", "out.2"]);
  });

  it("are found again as the same weight", () => {
    for (const family of [...DENOISERS, ...TEXT_ENCODERS]) {
      for (const { path } of family.weights) {
        const found = family.find(numbered(path).replace(/blocks\.3/, "blocks.2"), false)!;
        for (const other of family.pathsOf({ ...found.value, numbers: found.numbers })) {
          expect(family.find(other, false), other).toMatchObject({ numbers: found.numbers });
          expect(family.find(other, false)!.value.weight).toBe(found.value.weight);
        }
      }
    }
  });
});
