import { describe, expect, it } from "vitest";
import { openAdapter } from "../../src/adapter/open.ts";
import { encodeSafetensors, type TensorData } from "../../src/formats/safetensors/write.ts";
import { planFusion } from "../../src/fuse/plan-fusion.ts";
import { baseConfig, fusedTensors } from "../support/fusing.ts";
import { memoryFolder } from "../support/memory-folder.ts";
import { openPicoModel } from "../support/models.ts";
import { encodeTensor } from "../support/pico.ts";

const factors = (module: string) => [
  encodeTensor(`${module}.lora_A.weight`, [[1]]),
  encodeTensor(`${module}.lora_B.weight`, [[1]]),
];
const adapterOf = (tensors: readonly TensorData[]) =>
  openAdapter(memoryFolder("mine", { "lora.safetensors": encodeSafetensors(tensors) }));
const adapter = (...modules: string[]) => adapterOf(modules.flatMap(factors));
const UNET = "down_blocks.0.attentions.0.proj_in";
const TEXT = "text_model.encoder.layers.0.mlp.fc1";
const named = async (name: string, ...paths: string[]) => ({
  ...(await openPicoModel(Object.fromEntries(paths.map((path) => [`${path}.weight`, [[1]]])))),
  name,
});
const ofClass = (_class_name: string) => baseConfig({ model_type: undefined, _class_name });

describe("fuse into a part of an image pipeline", () => {
  it.each([
    ["unet", null],
    ["my-model", ofClass("UNet2DConditionModel")],
  ])("takes the modules of that part (%s), and counts the others'", async (name, config) => {
    const own = await adapter(`unet.${UNET}`, `text_encoder.${TEXT}`, `text_encoder_2.${TEXT}`);
    const plan = planFusion(await named(name, UNET), [own], {}, config);
    expect([...plan.changed.keys()]).toEqual([`${UNET}.weight`]);
    expect([...plan.elsewhere]).toEqual([
      ["text_encoder", 1],
      ["text_encoder_2", 1],
    ]);
  });

  it("adds the biases beside B of that part, and leaves the others' with their modules", async () => {
    const bias = (module: string, value: number) => encodeTensor(`${module}.lora_B.bias`, [value]);
    const parts = [`unet.${UNET}`, `text_encoder.${TEXT}`];
    const own = await adapterOf([...parts.flatMap(factors), bias(parts[0]!, 3), bias(parts[1]!, 5)]);
    for (const [name, path, added] of [
      ["unet", UNET, 3],
      ["text_encoder", TEXT, 5],
    ] as const) {
      const base = { ...(await openPicoModel({ [`${path}.weight`]: [[1]], [`${path}.bias`]: [10] })), name };
      const fused = await fusedTensors(base, [own]);
      expect([fused[`${path}.weight`]!.values, fused[`${path}.bias`]!.values]).toEqual([[2], [10 + added]]);
    }
    const bare = await named("unet", UNET);
    expect(() => planFusion(bare, [own], {})).toThrow(`unet has no tensor ${UNET}.bias`);
  });

  it("needs no name where the adapter is of one part", async () => {
    const plan = planFusion(await named("clip", TEXT), [await adapter(`text_encoder.${TEXT}`)], {});
    expect([[...plan.changed.keys()], plan.elsewhere.size]).toEqual([[`${TEXT}.weight`], 0]);
  });

  it("finds the first code's names in a checkpoint of that layout", async () => {
    const own = await adapter("diffusion_model.double_blocks.0.img_attn.proj");
    for (const path of ["double_blocks.0.img_attn.proj", "model.diffusion_model.double_blocks.0.img_attn.proj"]) {
      expect([...planFusion(await named("flux", path), [own], {}).changed.keys()]).toEqual([`${path}.weight`]);
    }
  });

  it("finds parts of a weight in a folder of diffusers, and the whole in the model's own layout", async () => {
    const [whole, parts] = [
      "double_blocks.0.img_attn.qkv",
      ["q", "k", "v"].map((part) => `transformer_blocks.0.attn.to_${part}`),
    ];
    const single = "single_transformer_blocks.0.proj_out";
    const fused = await adapterOf([
      encodeTensor(`diffusion_model.${whole}.lora_A.weight`, [[1, 2]]),
      encodeTensor(`diffusion_model.${whole}.lora_B.weight`, [[1], [2], [3], [4], [5], [6]]),
    ]);
    const base = await openPicoModel(
      Object.fromEntries(
        parts.map((path) => [
          `${path}.weight`,
          [
            [10, 10],
            [10, 10],
          ],
        ]),
      ),
    );
    const there = await fusedTensors({ ...base, name: "transformer" }, [fused]);
    expect(parts.map((path) => there[`${path}.weight`]!.values)).toEqual([
      [11, 12, 12, 14],
      [13, 16, 14, 18],
      [15, 20, 16, 22],
    ]);
    const split = await adapterOf([
      ...parts.flatMap((path, i) => [
        encodeTensor(`transformer.${path}.lora_A.weight`, [[1, i]]),
        encodeTensor(`transformer.${path}.lora_B.weight`, [[1], [2]]),
      ]),
      ...factors(`transformer.${single}`),
    ]);
    const own = await openPicoModel({
      [`${whole}.weight`]: Array.from({ length: 6 }, () => [0, 0]),
      "single_blocks.0.linear2.weight": [[1]],
    });
    const back = await fusedTensors(own, [split]);
    expect(back[`${whole}.weight`]!.values).toEqual([1, 0, 2, 0, 1, 1, 2, 2, 1, 2, 2, 4]);
    expect(back["single_blocks.0.linear2.weight"]!.values).toEqual([2]);
  });

  it.each([
    ["base", [`unet.${UNET}`, `text_encoder.${TEXT}`], /nothing says which of them base is; pass that folder/],
    ["vae", [`unet.${UNET}`, `text_encoder.${TEXT}`], /nothing says which of them vae is/],
    [
      "text_encoder",
      [`unet.${UNET}`],
      /adapts unet, but text_encoder is a pipeline's text_encoder; .* folder unet as --base/,
    ],
    ["transformer", ["diffusion_model.odd_blocks.0.proj"], /original code does.*checkpoint in its original layout/],
  ])("refuses %s for %j", async (name, modules, words) => {
    const own = await adapter(...modules);
    const base = await named(name, UNET);
    expect(() => planFusion(base, [own], {})).toThrow(words);
  });

  it("says of a checkpoint in its first layout how to pass it", async () => {
    const base = await named("sd", "model.diffusion_model.input_blocks.0.0");
    const own = await adapter(`unet.${UNET}`);
    expect(() => planFusion(base, [own], {})).toThrow(
      /original layout .*from_single_file, save_pretrained.*folder unet/,
    );
  });
});
