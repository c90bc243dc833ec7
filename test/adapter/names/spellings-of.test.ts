import { describe, expect, it } from "vitest";
import { spellingsOf } from "../../../src/adapter/names/spellings-of.ts";
import { FLUX1 } from "../../../src/families/flux1.ts";

const QKV = "diffusion_model.double_blocks.3.img_attn.qkv";
const of = (name: string) => spellingsOf([FLUX1], name);

it("a module of another model than the pipeline's own parts has no names in its family", () => {
  expect(of(QKV)).not.toBeNull();
  expect(of("controlnet.double_blocks.3.img_attn.qkv")).toBeNull();
});

describe("the names of a module", () => {
  it("are those of all programs, with the parts that some have in its place", () => {
    const block = ["denoiser.double_blocks.3", "D03"];
    const part = (name: string, number: number) => ({
      here: [`${QKV}.${name}`],
      paths: [
        `denoiser.double_blocks.3.img_attn.qkv.${name}`,
        `denoiser.double_blocks.3.img_attn.qkv.${number}`,
        `denoiser.transformer_blocks.3.attn.to_${name}`,
        `D03.img_attn.qkv.${name}`,
        `D03.img_attn.qkv.${number}`,
      ],
      blocks: ["denoiser.double_blocks.3", "denoiser.transformer_blocks.3", "D03"],
    });
    expect(of(QKV)).toEqual({
      here: [QKV],
      paths: [
        "denoiser.double_blocks.3.img_attn.qkv",
        "denoiser.double_blocks.3.processor.qkv_lora1",
        "D03.img_attn.qkv",
        "D03.processor.qkv_lora1",
      ],
      blocks: block,
      parts: [part("q", 0), part("k", 1), part("v", 2)],
      block: ["D03", "double_blocks.3"],
    });
  });

  it("of a part are its own, and those of the whole weight", () => {
    const [part, whole] = [of(`${QKV}.k`)!, of(QKV)!];
    expect(part.here).toEqual([`${QKV}.k`, QKV]);
    expect(new Set(part.paths)).toEqual(new Set([...whole.parts[1]!.paths, ...whole.paths]));
    expect(part).toMatchObject({ blocks: whole.parts[1]!.blocks, parts: [], block: ["D03", "double_blocks.3"] });
  });

  it("outside of blocks have no block but a short name", () => {
    expect(of("diffusion_model.img_in")).toEqual({
      here: ["diffusion_model.img_in"],
      paths: ["denoiser.img_in", "denoiser.x_embedder", "IN"],
      blocks: ["IN"],
      parts: [],
      block: ["IN"],
    });
  });

  it("of T5 are also those of a second text encoder, and CLIP's are not", () => {
    const path = "encoder.block.0.layer.0.SelfAttention.q";
    expect(of(`text_encoder_3.${path}`)).toEqual({
      here: [`text_encoder_3.${path}`],
      paths: ["text_encoder_3", "text_encoder_2", "te3", "BASE", "T5"].map((part) => `${part}.${path}`),
      blocks: ["text_encoder_3.encoder.block.0", "text_encoder_2.encoder.block.0", "te3", "BASE", "T5"],
      parts: [],
      block: ["te3", "BASE", "T5"],
    });
    const clip = "text_model.encoder.layers.4.mlp.fc1";
    expect(of(`text_encoder.${clip}`)?.paths).toEqual(
      ["text_encoder", "te1", "BASE", "CLIP"].map((part) => `${part}.${clip}`),
    );
  });

  it("are not known for other programs' modules, and for weights that the family does not have", () => {
    expect([of("lora_abc_x"), of("diffusion_model.nothing")]).toEqual([null, null]);
  });
});
