import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { UsageError } from "../../src/core/errors.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { DOWN_UP, openConstant } from "../support/constant-file.ts";
import { decodeAdapter, openPico } from "../support/pico.ts";

const ATTENTION = "transformer_blocks_0_attn1_to_q";
const UNET = {
  lora_te1_text_model_encoder_layers_0_mlp_fc1: [4, 4],
  lora_te2_text_model_encoder_layers_0_mlp_fc2: [4, 4],
  lora_unet_input_blocks_0_0: [4, 4],
  [`lora_unet_input_blocks_4_1_${ATTENTION}`]: [4, 4],
  [`lora_unet_input_blocks_5_1_${ATTENTION}`]: [4, 4],
  [`lora_unet_middle_block_1_${ATTENTION}`]: [4, 4],
  [`lora_unet_output_blocks_0_1_${ATTENTION}`]: [4, 4],
  [`lora_unet_output_blocks_5_1_${ATTENTION}`]: [4, 4],
  [`lora_unet_output_blocks_8_1_${ATTENTION}`]: [4, 4],
  lora_unet_out_2: [4, 4],
} as const;
/** What the modules above are called here. */
const HERE = [
  "text_encoder.text_model.encoder.layers.0.mlp.fc1",
  "text_encoder_2.text_model.encoder.layers.0.mlp.fc2",
  "unet.conv_in",
  "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q",
  "unet.down_blocks.1.attentions.1.transformer_blocks.0.attn1.to_q",
  "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q",
  "unet.up_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q",
  "unet.up_blocks.1.attentions.2.transformer_blocks.0.attn1.to_q",
  "unet.up_blocks.2.attentions.2.transformer_blocks.0.attn1.to_q",
  "unet.conv_out",
];
const FLUX = {
  "diffusion_model.img_in": [4, 4],
  "diffusion_model.double_blocks.0.img_attn.proj": [4, 4],
  "diffusion_model.double_blocks.18.txt_attn.proj": [4, 4],
  "diffusion_model.single_blocks.0.linear2": [20, 4],
  "diffusion_model.single_blocks.0.modulation.lin": [4, 12],
  "diffusion_model.single_blocks.37.linear2": [20, 4],
  "diffusion_model.final_layer.linear": [4, 4],
} as const;
const WAN = {
  "diffusion_model.blocks.0.self_attn.q": [4, 4],
  "diffusion_model.blocks.29.ffn.0": [4, 16],
  "diffusion_model.vace_blocks.3.self_attn.q": [4, 4],
} as const;

const unet = await openConstant("style", UNET, DOWN_UP);
const other = await openConstant("face", UNET, DOWN_UP);
const flux = await openConstant("flux", FLUX);
const wan = await openConstant("wan", WAN);

const weightsOf = (adapters: readonly Adapter[], recipe: Recipe): Record<string, readonly number[]> =>
  Object.fromEntries(
    makePlan(adapters, { method: "cat", ...recipe } as Recipe).modules.map(({ name, weights }) => [name, weights]),
  );
/** The factor of each module above, in a list whose entries are their places; 0 where the module is left out. */
const factors = (adapter: Adapter, names: readonly string[], length: number): number[] => {
  const list = Array.from({ length }, (_, i) => i + 1);
  const found = weightsOf([adapter], { blockWeights: [list] });
  return names.map((name) => found[name]?.[0] ?? 0);
};

describe("block weights", () => {
  it.each([
    // BASE IN04 IN05 IN07 IN08 M00 OUT00 .. OUT05; blocks without a number get 0, and what is in no block keeps its weight.
    [12, [1, 1, 0, 2, 3, 6, 7, 12, 0, 1]],
    // BASE IN01 IN02 IN04 IN05 IN07 IN08 M00 OUT03 .. OUT11
    [17, [1, 1, 0, 4, 5, 8, 0, 11, 14, 1]],
    // BASE IN00 .. IN08 M00 OUT00 .. OUT08
    [20, [1, 1, 2, 6, 7, 11, 12, 17, 20, 1]],
    // BASE IN00 .. IN11 M00 OUT00 .. OUT11
    [26, [1, 1, 2, 6, 7, 14, 15, 20, 23, 1]],
  ])("of a UNet are lists of %i as sd-webui-lora-block-weight writes them", (length, expected) => {
    expect(factors(unet, HERE, length)).toEqual(expected);
  });

  it.each([
    // D00 .. D18 S00 .. S37
    [57, [1, 1, 19, 20, 20, 57, 1]],
    // CLIP T5 IN D00 .. D18 S00 .. S37 OUT
    [61, [3, 4, 22, 23, 23, 60, 61]],
  ])("of Flux.1 are lists of %i", (length, expected) => {
    expect(factors(flux, Object.keys(FLUX), length)).toEqual(expected);
  });

  it("of another model have a number for each block of a published size, and leave what is beside them as it is", () => {
    expect(factors(wan, Object.keys(WAN), 30)).toEqual([1, 30, 1]);
    expect(factors(wan, Object.keys(WAN), 40)).toEqual([1, 30, 1]);
  });

  it("multiply the deltas of their adapter, block by block", async () => {
    const list = [0, 0.5, 2, 0, 0, -1, 0, 0, 0, 0, 0, 0];
    const { config, weights } = await mergeInMemory([unet, other], { method: "cat", blockWeights: [list, [1]] });
    const { modules } = decodeAdapter(JSON.stringify(config), weights);
    const [, , , in04, in05, middle] = HERE;
    // The deltas of both adapters are n everywhere in module n.
    const found = [HERE[0]!, in04!, in05!, middle!].map((name) => modules.get(name)!.delta[0]);
    expect(found.map((value) => Math.round(value! * 1e4) / 1e4)).toEqual([1, 1.5 * 4, 3 * 5, 0]);
  });

  it("multiply the weights of modules and adapters", () => {
    const recipe: Recipe = {
      weights: [2, 3],
      moduleWeights: [{ match: "IN05", weights: [5, 7] }],
      blockWeights: [[1, 10, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0.5]],
    };
    const found = weightsOf([unet, other], recipe);
    expect([HERE[0]!, HERE[3]!, HERE[4]!, HERE[9]!].map((name) => found[name])).toEqual([
      [2, 1.5],
      [20, 1.5],
      [500, 3.5],
      [2, 1.5],
    ]);
  });

  it("of 0 leave modules out, and an adapter that has no other", () => {
    const { modules, leftOut } = makePlan([unet], { method: "cat", blockWeights: [[1, ...Array<number>(11).fill(0)]] });
    expect(modules.map(({ name }) => name)).toEqual([HERE[1], HERE[0], HERE[9]]);
    expect(leftOut).toHaveLength(7);
    expect(leftOut[0]!.why).toBe("weight 0 for every adapter that has it");
    const { warnings } = makePlan([unet, other], { method: "cat", blockWeights: [[1], [0]] });
    expect(warnings.map(({ text }) => text)).toContain("face has weight 0 in every module and is left out.");
    expect(makePlan([unet, other], { blockWeights: [[1], [0]] }).method).toBe("svd");
  });

  it("take one number for adapters of any model", async () => {
    const [one, two] = await Promise.all(
      ["one", "two"].map((name) => openPico(name, { modules: { q: { A: [[1]], B: [[1]] } } })),
    );
    expect(weightsOf([one!, two!], { blockWeights: [[2], [3]] })).toEqual({ q: [2, 3] });
    expect(() => weightsOf([one!, two!], { blockWeights: [[2, 1], [3]] })).toThrow(
      /^one has no denoiser of an image or video model that lora-lego knows, .* or use --module-weights/,
    );
  });

  it.each([
    [
      { blockWeights: [[1, 2, 3]] },
      /^There are 3 block weights for style, but Stable Diffusion takes 12, 17, 20 or 26; /,
    ],
    [{ blockWeights: [[1], [1]] }, /^There is 1 adapter but 2 lists of block weights; give one list for each adapter/],
    [{ blockWeights: [[]] }, /^The block weights of style are empty; /],
    [{ blockWeights: [[1, Number.NaN]] }, /^Block weights must be finite numbers, but those of style hold NaN\.$/],
    [
      { method: "lego", blockWeights: [[-1]] },
      /relative and cannot be negative, but style has -1 for a block; .*--method cat/,
    ],
    [
      { method: "lego", blockWeights: [[1, 0.5]] },
      /the block weight 0\.5 of a single adapter would change nothing; use --method svd/,
    ],
    [{ blockWeights: [[0]] }, /All weights are 0/],
    [{ blockWeights: [1] }, /blockWeights is \[1\], but must be a list of lists of numbers, one for each adapter\.$/],
  ] as unknown as [Recipe, RegExp][])("are refused where they do not fit: %j", (recipe, said) => {
    const plan = () => makePlan([unet], { method: "cat", ...recipe } as Recipe);
    expect(plan).toThrow(UsageError);
    expect(plan).toThrow(said);
  });

  it("are refused where they take the adapters of one block too far apart", () => {
    const plan = (blocks: readonly number[]) => () =>
      makePlan([unet, other], { method: "cat", weights: [1, 1e-6], blockWeights: [[1], [...blocks]] });
    expect(plan([1e-7])).toThrow(/^text_encoder.*The weights of cat range over a factor of 1e\+13/);
    expect(plan([1e-5])).not.toThrow();
  });
});
