import { describe, expect, it } from "vitest";
import type { Adapter } from "../../../src/adapter/adapter.ts";
import { underOneKernel } from "../../../src/adapter/lycoris/kernels.ts";
import { openAdapter } from "../../../src/adapter/open.ts";
import { encodeSafetensors } from "../../../src/formats/safetensors/write.ts";
import { mergeInMemory } from "../../../src/merge/merge.ts";
import { makePlan } from "../../../src/plan/plan.ts";
import { memoryFolder } from "../../support/memory-folder.ts";
import { decodeAdapter, encodeTensor, type Nested } from "../../support/pico.ts";

type Tensors = Readonly<Record<string, Nested>>;

const grid = (rows: number, columns: number, at = 1): number[][] =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, x) => ((i * columns + x) % 5) - at));
/** LoHa of one unit on each side, all ones except hada_w1_b. */
const loha = (stem: string, out: number, b: number[][]): Tensors => ({
  [`${stem}.hada_w1_a`]: grid(out, 1).map(() => [1]),
  [`${stem}.hada_w1_b`]: b,
  [`${stem}.hada_w2_a`]: grid(out, 1).map(() => [1]),
  [`${stem}.hada_w2_b`]: b.map((row) => row.map(() => 1)),
});
function open(tensors: Tensors, name = "it"): Promise<Adapter> {
  const data = Object.entries(tensors).map(([key, values]) => encodeTensor(key, values));
  return openAdapter(memoryFolder(name, { "it.safetensors": encodeSafetensors(data, {}) }));
}
const shapes = ({ modules }: Adapter) =>
  Object.fromEntries([...modules.values()].map((own) => [own.name, own.inputShape]));

const RESNET = "lora_unet_down_blocks_0_resnets_0";
const ATTENTION = "lora_unet_down_blocks_0_attentions_0";
const TO_K = `${ATTENTION}_transformer_blocks_0_attn2_to_k`;

describe("convolutions that LoKr and LoHa store as matrices", () => {
  it("have the kernels that a UNet's names tell", async () => {
    const adapter = await open({
      ...loha(`${RESNET}_conv1`, 4, grid(1, 18)),
      ...loha(`${RESNET}_conv_shortcut`, 4, grid(1, 2)),
      ...loha(`${RESNET}_time_emb_proj`, 4, grid(1, 9)),
      ...loha("lora_unet_down_blocks_0_downsamplers_0_conv", 4, grid(1, 27)),
    });
    expect(shapes(adapter)).toEqual({
      "unet.down_blocks.0.resnets.0.conv1": [2, 3, 3],
      "unet.down_blocks.0.resnets.0.conv_shortcut": [2, 1, 1],
      "unet.down_blocks.0.resnets.0.time_emb_proj": [9],
      "unet.down_blocks.0.downsamplers.0.conv": [3, 3, 3],
    });
  });

  it.each([
    ["Stable Diffusion 1", 768, [2, 1, 1]],
    ["Stable Diffusion XL", 2048, [2]],
  ])("lead into attentions in %s as its text tells", async (_, width, shape) => {
    const adapter = await open({ ...loha(`${ATTENTION}_proj_in`, 4, grid(1, 2)), ...loha(TO_K, 4, grid(1, width)) });
    expect(shapes(adapter)).toEqual({
      "unet.down_blocks.0.attentions.0.proj_in": shape,
      "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k": [width],
    });
  });

  it("keep a shape that no kernel of 3 x 3 fits", async () => {
    expect(Object.values(shapes(await open(loha(`${RESNET}_conv1`, 4, grid(1, 8)))))).toEqual([[8]]);
  });

  it("merge with a LoRA of the same weight, under its kernel", async () => {
    const one = await open(loha("lora_unet_x", 3, grid(1, 8)), "flat");
    const two = await open(
      {
        "lora_unet_x.lora_down.weight": [
          [
            [
              [1, 2],
              [3, 4],
            ],
            [
              [5, 6],
              [7, 8],
            ],
          ],
        ],
        "lora_unet_x.lora_up.weight": [[[[1]]], [[[0]]], [[[-1]]]],
      },
      "conv",
    );
    const { config, weights } = await mergeInMemory([one, two], { method: "cat", dtype: "f32" });
    const [merged] = decodeAdapter(JSON.stringify(config), weights).modules.values();
    const flat = grid(1, 8)[0]!;
    const kernel = [1, 2, 3, 4, 5, 6, 7, 8];
    const dense = [1, 0, -1].flatMap((row) => flat.map((value, x) => value + row * kernel[x]!));
    expect([...merged!.delta]).toEqual(dense);
    expect(makePlan([one, two], { method: "cat" }).modules[0]).toMatchObject({ kind: "conv", inputShape: [2, 2, 2] });
  });

  /** Of one channel, with a kernel of 2 x 2. */
  const SQUARE = {
    "lora_unet_x.lora_down.weight": [
      [
        [
          [1, 2],
          [3, 4],
        ],
      ],
    ],
    "lora_unet_x.lora_up.weight": [[[[1]]]],
  };

  it.each([
    [
      "a LoRA, whose tensors say that it is a matrix",
      { "lora_unet_x.lora_down.weight": [[1, 2, 3, 4]], "lora_unet_x.lora_up.weight": [[1]] },
      /adapt different bases: lora_unet_x is linear 4 -> 1/,
    ],
    [
      "a LoKr that shows another kernel",
      { "lora_unet_x.lokr_w1": [[1]], "lora_unet_x.lokr_w2": [[[[1, 2, 3, 4]]]] },
      /adapt different bases: lora_unet_x is conv 1x1x4 -> 1 in the first and conv 1x2x2/,
    ],
  ])("are no matter of %s", async (_, tensors, words) => {
    const [one, two] = [await open(tensors, "one"), await open(SQUARE, "two")];
    expect(() => makePlan([one, two], { method: "cat" })).toThrow(words);
  });

  it("take the kernels of adapters that count, and of no others", async () => {
    const [flat, conv] = [await open(loha("lora_unet_x", 3, grid(1, 8)), "flat"), await open(SQUARE, "conv")];
    const shapesOf = (counts: readonly boolean[]) => underOneKernel([flat, conv], counts).map(shapes);
    expect(shapesOf([true, true])).toEqual([{ lora_unet_x: [2, 2, 2] }, { lora_unet_x: [1, 2, 2] }]);
    expect(shapesOf([true, false])).toEqual([{ lora_unet_x: [8] }, { lora_unet_x: [1, 2, 2] }]);
  });

  it("stay as they are beside a LoRA whose kernel they cannot have, which is another base", async () => {
    const one = await open(loha("lora_unet_x", 3, grid(1, 7)), "flat");
    expect(() => makePlan([one, one], { method: "cat" })).not.toThrow();
    const two = await open(SQUARE, "conv");
    expect(() => makePlan([one, two], { method: "cat" })).toThrow(
      /adapt different bases: lora_unet_x is linear 7 -> 3/,
    );
  });
});
