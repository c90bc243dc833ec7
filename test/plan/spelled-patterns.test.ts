import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { UsageError } from "../../src/core/errors.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { CASES_ABSENT, casePath, hasCases } from "../support/cases.ts";
import { DOWN_UP, openConstant as open, type Sizes } from "../support/constant-file.ts";

/** Flux.1 by two trainers: fused and split. Each has modules that only this family has. */
const FUSED: Sizes = {
  lora_unet_double_blocks_0_img_attn_qkv: [4, 12],
  lora_unet_double_blocks_0_img_attn_proj: [4, 4],
  lora_unet_double_blocks_1_img_mlp_0: [4, 16],
  lora_unet_single_blocks_0_modulation_lin: [4, 12],
  lora_unet_single_blocks_0_linear2: [20, 4],
  lora_te1_text_model_encoder_layers_0_mlp_fc1: [4, 16],
};
const SPLIT: Sizes = {
  "transformer.transformer_blocks.0.attn.to_q": [4, 4],
  "transformer.transformer_blocks.0.attn.to_k": [4, 4],
  "transformer.transformer_blocks.0.attn.to_v": [4, 4],
  "transformer.transformer_blocks.0.attn.to_out.0": [4, 4],
  "transformer.transformer_blocks.1.ff.net.0.proj": [4, 16],
  "transformer.single_transformer_blocks.0.norm.linear": [4, 12],
  "transformer.single_transformer_blocks.0.proj_out": [20, 4],
};
const UNET: Sizes = {
  "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q": [4, 4],
  "unet.down_blocks.2.attentions.1.proj_in": [4, 4],
  "unet.mid_block.attentions.0.proj_in": [4, 4],
  "unet.up_blocks.1.attentions.2.proj_out": [4, 4],
};

const fused = await open("fused", FUSED, DOWN_UP);
const split = await open("split", SPLIT);
const unet = await open("unet", UNET);

const QKV = "diffusion_model.double_blocks.0.img_attn.qkv";
const PROJ = "diffusion_model.double_blocks.0.img_attn.proj";
const MLP = "diffusion_model.double_blocks.1.img_mlp.0";
const MODULATION = "diffusion_model.single_blocks.0.modulation.lin";
const LINEAR2 = "diffusion_model.single_blocks.0.linear2";
const CLIP = "text_encoder.text_model.encoder.layers.0.mlp.fc1";

const included = (adapters: readonly Adapter[], ...include: string[]): string[] =>
  makePlan(adapters, { method: "cat", include } as Recipe).modules.map(({ name }) => name);

describe("patterns of a known family's modules", () => {
  it.each([
    ["diffusers' paths", "transformer_blocks.*.attn.to_out.0", [PROJ]],
    ["paths after a component", "transformer.transformer_blocks.1.**", [MLP]],
    ["blocks in diffusers' names", "transformer_blocks.0", [PROJ, QKV]],
    ["blocks in the model's own names", "double_blocks.1", [MLP]],
    ["a range of blocks", "double_blocks.0-1.**", [PROJ, QKV, MLP]],
    ["a range of blocks by themselves", "single_transformer_blocks.0-37", [LINEAR2, MODULATION]],
    ["kohya's names", "lora_unet_double_blocks_0_img_attn_qkv", [QKV]],
    ["kohya's names with a wildcard", "lora_unet_double_blocks_*_img_*", [PROJ, QKV, MLP]],
    ["kohya's blocks", "lora_unet_single_blocks_0", [LINEAR2, MODULATION]],
    ["OneTrainer's names", "lora_transformer_single_transformer_blocks_0_proj_out", [LINEAR2]],
    ["kohya's names of text encoders", "lora_te1_*", [CLIP]],
    ["transformers' blocks", "layers.0", [CLIP]],
    ["short names of blocks", "D00", [PROJ, QKV]],
    ["ranges of short names", "D00-D01", [PROJ, QKV, MLP]],
    ["paths after a short name", "S*.linear2", [LINEAR2]],
    ["short names of text encoders", "te1", [CLIP]],
    ["the kind of a text encoder", "CLIP", [CLIP]],
    ["all text encoders", "BASE.**.fc1", [CLIP]],
  ])("match %s", (_, pattern, expected) => expect(included([fused], pattern)).toEqual(expected));

  it.each([
    ["ldm's blocks", "input_blocks.4", ["unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"]],
    ["ldm's middle block", "middle_block", ["unet.mid_block.attentions.0.proj_in"]],
    ["diffusers' blocks", "up_blocks.1", ["unet.up_blocks.1.attentions.2.proj_out"]],
    ["kohya's names from ldm's", "lora_unet_input_blocks_8_1_proj_in", ["unet.down_blocks.2.attentions.1.proj_in"]],
    ["short names", "IN04", ["unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"]],
    ["a short name and a path", "IN0*.**.proj_in", ["unet.down_blocks.2.attentions.1.proj_in"]],
    ["the middle block", "MID", ["unet.mid_block.attentions.0.proj_in"]],
    ["the middle block as A1111 calls it", "M00.**", ["unet.mid_block.attentions.0.proj_in"]],
    ["output blocks", "OUT05", ["unet.up_blocks.1.attentions.2.proj_out"]],
    ["a range of ldm's blocks", "output_blocks.3-5.**", ["unet.up_blocks.1.attentions.2.proj_out"]],
  ])("match %s of a UNet", (_, pattern, expected) => expect(included([unet], pattern)).toEqual(expected));

  it("match names here first, and only if there are none other spellings", () => {
    // In diffusers, img_mlp.0 ends with proj too.
    expect(included([fused], "proj")).toEqual([PROJ]);
    expect(included([fused], "net.0.proj")).toEqual([MLP]);
    // Block 0 and the layers called 0.
    expect(included([fused], "0")).toEqual([MLP]);
  });

  it("match the parts of split weights in any spelling, one by one or all by the whole weight's name", () => {
    expect(included([split], "attn.to_q")).toEqual([`${QKV}.q`]);
    expect(included([split], "qkv.1")).toEqual([`${QKV}.k`]);
    expect(included([split], "img_attn.qkv")).toEqual([`${QKV}.k`, `${QKV}.q`, `${QKV}.v`]);
    expect(included([split], "lora_unet_double_blocks_0_img_attn_qkv")).toHaveLength(3);
  });

  it("mean the same for weights and exclusion", () => {
    const recipe: Recipe = {
      method: "cat",
      exclude: ["single_transformer_blocks.*"],
      moduleWeights: [{ match: "transformer_blocks.0", weights: [2] }],
    };
    const { modules, leftOut } = makePlan([fused], recipe);
    expect(modules.map(({ name, weights }) => [name, ...weights])).toEqual([
      [PROJ, 2],
      [QKV, 2],
      [MLP, 1],
      [CLIP, 1],
    ]);
    expect(leftOut.map(({ name }) => name)).toEqual([LINEAR2, MODULATION]);
  });

  it("bring back an adapter of weight 0, which then decides that a weight stays whole", () => {
    const moduleWeights = [{ match: "transformer_blocks.0.**", weights: [1, 1] }];
    const { modules } = makePlan([split, fused], { method: "cat", weights: [1, 0], moduleWeights });
    expect(modules.find(({ name }) => name === QKV)).toMatchObject({ weights: [1, 1] });
  });
});

describe("a pattern of a part of a weight that the merge keeps whole", () => {
  it.each([
    ["include", "attn.to_q", { include: ["attn.to_q"] }],
    ["exclude", "*.qkv.q", { exclude: ["*.qkv.q"] }],
    ["exclude", "qkv.2", { exclude: ["qkv.2"] }],
    ["module weights", "to_k", { moduleWeights: [{ match: "to_k", weights: [1, 2] }] }],
  ])("is refused: %s %s", (field, _, recipe) => {
    const plan = () => makePlan([fused, split], { method: "cat", ...recipe } as Recipe);
    expect(plan).toThrow(UsageError);
    expect(plan).toThrow(
      new RegExp(
        `^The ${field} pattern ".*" matches only a part of ${QKV}, .*; match the whole weight, as in img_attn.qkv\\.$`,
      ),
    );
  });

  it("is the whole weight if it matches all parts", () => {
    expect(included([fused, split], "qkv.*")).toEqual([QKV]);
    expect(included([fused, split], "transformer_blocks.0.attn.to_*")).toEqual([QKV]);
  });
});

it("other spellings of families that no adapter belongs to match nothing", () => {
  expect(() => included([unet], "double_blocks.0")).toThrow(
    /"double_blocks\.0" matches no module; modules have names such as unet/,
  );
  expect(() => included([fused], "input_blocks.4")).toThrow(/matches no module/);
  expect(() => included([fused], "lora_unet_double_blocks.0")).toThrow(/matches no module/);
});

describe.skipIf(!hasCases)(`patterns for the files of trainers${CASES_ABSENT}`, () => {
  it.each(["flux-aitoolkit", "flux-bfl-bare", "flux-kohya-a", "flux-kohya-b", "flux-kohya-bf16"])(
    "choose the first block of %s by any of its names",
    async (name) => {
      const { adapter, close } = await openAdapterPath(casePath(`image/${name}`));
      close();
      const [first, ...others] = ["double_blocks.0", "transformer_blocks.0", "lora_unet_double_blocks_0"].map(
        (pattern) => included([adapter], pattern),
      );
      expect(first!.length).toBeGreaterThan(0);
      expect(first!.every((module) => module.startsWith("diffusion_model.double_blocks.0."))).toBe(true);
      for (const other of others) expect(other).toEqual(first);
    },
  );
});
