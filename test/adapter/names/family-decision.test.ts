import { describe, expect, it } from "vitest";
import type { Adapter } from "../../../src/adapter/adapter.ts";
import { openAdapter } from "../../../src/adapter/open.ts";
import { RefusedError } from "../../../src/core/errors.ts";
import { encodeSafetensors } from "../../../src/formats/safetensors/write.ts";
import { mergeInMemory } from "../../../src/merge/merge.ts";
import { filled, memoryFolder } from "../../support/memory-folder.ts";
import { decodeAdapter, encodeTensor } from "../../support/pico.ts";
import { loadedWriter } from "../../support/writers.ts";

type Sizes = Readonly<Record<string, readonly [inputs: number, out: number]>>;

/** A file of these names at rank 1, in diffusers' endings. */
function file(name: string, modules: Sizes, metadata: Record<string, string> = {}): Promise<Adapter> {
  const tensors = Object.entries(modules).flatMap(([path, [inputs, out]]) => [
    filled(`${path}.lora_A.weight`, [1, inputs]),
    filled(`${path}.lora_B.weight`, [out, 1]),
  ]);
  return openAdapter(memoryFolder(name, { "x.safetensors": encodeSafetensors(tensors, metadata) }));
}

/** Attention of double blocks in diffusers' names, which several families share. */
const attention = (blocks: number, width: number, names = ["to_q", "to_out.0"]): Sizes =>
  Object.fromEntries(
    Array.from({ length: blocks }, (_, i) =>
      names.map((name) => [`transformer.transformer_blocks.${i}.attn.${name}`, [width, width] as const]),
    ).flat(),
  );

describe("the family of a file", () => {
  it.each([
    [60, 3072, "qwen-image", "diffusion_model.transformer_blocks.0.attn.to_q"],
    [24, 1536, "sd3", "diffusion_model.joint_blocks.0.x_block.attn.qkv.q"],
    [38, 2432, "sd3", "diffusion_model.joint_blocks.0.x_block.attn.qkv.q"],
    [8, 6144, "flux2", "diffusion_model.double_blocks.0.img_attn.qkv.q"],
  ])("of %d blocks %d wide with attention alone is %s", async (blocks, width, id, name) => {
    const { families, modules } = await file("mine", attention(blocks, width));
    expect(families[0]).toBe(id);
    expect([...modules.keys()]).toContain(name);
  });

  it.each([
    [2, 24],
    [18, 3072],
    [24, 3072],
    [19, 1536],
    // Those of Flux.1, HunyuanVideo and the small Flux.2, or the first of Qwen-Image's 60.
    [19, 3072],
    [20, 3072],
    [5, 3072],
    // The first of Flux.1's 19; a Flux.2 of 8 is wider.
    [8, 3072],
  ])(
    "is left open, and names stay, for %d blocks %d wide, which no published model or several have",
    async (blocks, width) => {
      const sizes = attention(blocks, width);
      const { families, modules } = await file("mine", sizes);
      expect(families).toEqual([]);
      expect([...modules.keys()].sort()).toEqual(Object.keys(sizes).sort());
    },
  );

  /** One query per block under another model's path. */
  const queries = (path: string, blocks: number, width: number): Sizes =>
    Object.fromEntries(
      Array.from({ length: blocks }, (_, i) => [path.replace("#", String(i)), [width, width] as const]),
    );

  it.each([
    ["transformer.transformer_blocks.#.attn1.to_q", 28, 2048, ["ltx"]],
    ["transformer.transformer_blocks.#.attn1.to_q", 48, 4096, ["ltx"]],
    ["transformer.blocks.#.attn1.to_q", 30, 1536, ["wan"]],
    ["transformer.blocks.#.attn1.to_q", 12, 5120, ["wan"]],
    ["transformer.layers.#.attn.to_q", 26, 2304, ["lumina2"]],
    ["diffusion_model.double_blocks.#.img_attn.qkv", 8, 4096, ["flux2"]],
    ["diffusion_model.double_blocks.#.img_attn.qkv", 6, 3072, ["flux1", "hunyuan-video", "chroma"]],
    // Models without a table here: Cosmos, Sana, HunyuanDiT, OmniGen2; a Wan of more blocks.
    ["transformer.transformer_blocks.#.attn1.to_q", 28, 4096, []],
    ["transformer.transformer_blocks.#.attn1.to_q", 28, 1152, []],
    ["transformer.blocks.#.attn.qkv", 28, 1152, []],
    ["transformer.blocks.#.attn1.to_q", 40, 1408, []],
    ["transformer.layers.#.attn.to_q", 32, 2520, []],
    ["transformer.blocks.#.attn1.to_q", 31, 1536, []],
  ])("of %s in %d blocks %d wide is %j", async (path, blocks, width, ids) => {
    const { families } = await file("mine", queries(path, blocks, width));
    expect(families).toEqual(ids);
  });

  it("is decided by what only one of two models of a size has", async () => {
    const attn = queries("transformer.transformer_blocks.#.attn1.to_q", 28, 1152);
    const mlp = { "transformer.transformer_blocks.0.ff.net.0.proj": [1152, 4608] } as const;
    expect((await file("mine", { ...attn, ...mlp })).families).toEqual(["pixart"]);
    const single = queries("transformer.single_transformer_blocks.#.attn.to_q", 38, 3072);
    expect((await file("mine", { ...attention(19, 3072), ...single })).families).toEqual([
      "flux1",
      "hunyuan-video",
      "chroma",
    ]);
  });

  it("is what the metadata say, at any size", async () => {
    const sizes = queries("transformer.layers.#.attn.to_q", 32, 2560);
    expect((await file("mine", sizes)).families).toEqual([]);
    expect((await file("mine", sizes, { "modelspec.architecture": "lumina-2/lora" })).families).toEqual(["lumina2"]);
  });

  it("is what the metadata say, if it has all modules", async () => {
    const said = { "modelspec.architecture": "stable-diffusion-3-medium/lora" };
    expect((await file("mine", attention(2, 24), said)).families).toEqual(["sd3"]);
    expect((await file("mine", attention(2, 24), { ss_base_model_version: "flux1" })).families).toEqual(["flux1"]);
    expect((await file("mine", attention(2, 24), { ss_base_model_version: "wan2.1" })).families).toEqual([]);
  });

  it("is told by shapes where names are common: gated MLPs, narrow keys and values", async () => {
    const flux = "diffusion_model.single_blocks.0.linear1";
    expect((await file("mine", { [flux]: [24, 168] })).families).toEqual(["flux1", "hunyuan-video", "chroma"]);
    expect((await file("mine", { [flux]: [24, 216] })).families).toEqual(["flux2"]);
    const qkv = "diffusion_model.layers.0.attention.qkv";
    expect((await file("mine", { [qkv]: [24, 72] })).families).toEqual(["z-image"]);
    expect((await file("mine", { [qkv]: [24, 40] })).families).toEqual(["lumina2"]);
  });

  it("is that of the file that it is merged with, if that has all of its modules", async () => {
    const kohya = await openAdapter(
      memoryFolder("kohya", {
        "x.safetensors": encodeSafetensors([
          encodeTensor("lora_unet_joint_blocks_0_x_block_attn_qkv.lora_down.weight", [[1, 2]]),
          encodeTensor("lora_unet_joint_blocks_0_x_block_attn_qkv.lora_up.weight", [[1], [2], [3], [4], [5], [6]]),
        ]),
      }),
    );
    const path = "transformer.transformer_blocks.0.attn.to_k";
    const open = await openAdapter(
      memoryFolder("open", {
        "x.safetensors": encodeSafetensors([
          encodeTensor(`${path}.lora_A.weight`, [[10, 0]]),
          encodeTensor(`${path}.lora_B.weight`, [[1], [2]]),
        ]),
      }),
    );
    expect([kohya.families, open.families]).toEqual([["sd3"], []]);
    for (const adapters of [
      [kohya, open],
      [open, kohya],
    ]) {
      const { config, weights } = await mergeInMemory(adapters, { method: "cat", dtype: "f32" });
      const { modules } = decodeAdapter(JSON.stringify(config), weights);
      expect([...modules.keys()]).toEqual(["diffusion_model.joint_blocks.0.x_block.attn.qkv"]);
      const { delta } = modules.get("diffusion_model.joint_blocks.0.x_block.attn.qkv")!;
      for (const [i, value] of [1, 2, 2, 4, 13, 6, 24, 8, 5, 10, 6, 12].entries())
        expect(delta[i]).toBeCloseTo(value, 4);
    }
    expect(() => loadedWriter("kohya").convert(open, null)).toThrow(/would be a guess/);
  });

  it("of some double blocks of Flux.1 is that of a whole file, which it merges with", async () => {
    const some = await file("some", attention(8, 3072));
    const whole = await file("whole", {
      ...attention(19, 3072),
      "transformer.single_transformer_blocks.0.proj_mlp": [3072, 12288],
    });
    const { config } = await mergeInMemory([some, whole], { method: "cat", allowPartial: true });
    expect(config.target_modules).toContain("diffusion_model.double_blocks.7.img_attn.proj");
    expect(config.target_modules).not.toContain("transformer.transformer_blocks.7.attn.to_out.0");
  });
});

describe("parts of a weight", () => {
  const block = "transformer.single_transformer_blocks.0";
  const part = (path: string, a: number[][], b: number[][], alpha?: number) => [
    encodeTensor(`${path}.lora_A.weight`, a),
    encodeTensor(`${path}.lora_B.weight`, b),
    ...(alpha === undefined ? [] : [encodeTensor(`${path}.alpha`, alpha)]),
  ];
  const opened = (...tensors: ReturnType<typeof part>): Promise<Adapter> =>
    openAdapter(memoryFolder("mine", { "x.safetensors": encodeSafetensors(tensors) }));
  const inKohya = (adapter: Adapter) => loadedWriter("kohya").convert(adapter, null);

  it("that are missing are rows of zeros, as wide as the table says", async () => {
    const adapter = await opened(
      ...part(`${block}.attn.to_k`, [[1, 1]], [[1], [1]]),
      ...part(`${block}.proj_out`, [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]], [[1], [1]]),
    );
    const up = inKohya(adapter).tensors.find(({ name }) => name === "lora_unet_single_blocks_0_linear1.lora_up.weight");
    expect(up?.shape).toEqual([14, 1]);
  });

  it("keep their own scales when they are stacked", async () => {
    const adapter = await opened(
      ...part(`${block}.attn.to_q`, [[1]], [[1]], 3),
      ...part(`${block}.attn.to_v`, [[1]], [[1]], 5),
      ...part(`${block}.proj_out`, [[1, 1, 1, 1, 1]], [[1]]),
    );
    const { config, weights } = await mergeInMemory(
      [adapter, await opened(...part("diffusion_model.single_blocks.0.linear1", [[0]], Array(7).fill([0])))],
      { method: "cat", dtype: "f32", allowPartial: true },
    );
    const { delta } = decodeAdapter(JSON.stringify(config), weights).modules.get(
      "diffusion_model.single_blocks.0.linear1",
    )!;
    for (const [i, value] of [3, 0, 5, 0, 0, 0, 0].entries()) expect(delta[i]).toBeCloseTo(value, 5);
  });

  it("of different inputs are refused", async () => {
    const adapter = await opened(
      ...part(`${block}.attn.to_q`, [[1]], [[1]]),
      ...part(`${block}.attn.to_v`, [[1, 1]], [[1]]),
    );
    expect(() => inKohya(adapter)).toThrow(RefusedError);
    expect(() => inKohya(adapter)).toThrow(/linear1\.q takes 1 inputs and .*linear1\.v 2/);
  });

  it("beside the whole weight in one file are refused", async () => {
    const adapter = opened(
      ...part("diffusion_model.single_blocks.0.linear1", [[1]], Array(7).fill([1])),
      ...part("diffusion_model.single_transformer_blocks.0.attn.to_q", [[1]], [[1]]),
    );
    await expect(adapter).rejects.toThrow(/linear1.*to_q.* both belong to .*the whole weight and a part of it/);
  });
});
