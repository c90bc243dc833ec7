import { describe, expect, it } from "vitest";
import type { Adapter, AdapterModule } from "../../src/adapter/adapter.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { memorySink } from "../../src/core/bytes.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { type BaseModel, openModel } from "../../src/fuse/base-model.ts";
import { planExtraction } from "../../src/fuse/extract.ts";
import { extractionGroups, extractModules } from "../../src/fuse/extract-modules.ts";
import { planFusion } from "../../src/fuse/plan-fusion.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { moduleDelta } from "../support/experts.ts";
import { fusedFiles, fusedTensors } from "../support/fusing.ts";
import { memoryFolder } from "../support/memory-folder.ts";
import { openPicoModel } from "../support/models.ts";
import { encodeTensor, type Nested } from "../support/pico.ts";
import { loadedWriter } from "../support/writers.ts";

const WIDTH = 4;
/** Values that tell rows, columns and modules apart. */
const matrix = (rows: number, columns: number, seed: number): number[][] =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => Math.sin(seed + 7 * i + 3 * j)));

/** An adapter of these modules under their names in a file, by [out, in, kernel...]. */
function adapterOf(modules: Readonly<Record<string, readonly number[]>>, kohya = false): Promise<Adapter> {
  const [a, b] = kohya ? ["lora_down.weight", "lora_up.weight"] : ["lora_A.weight", "lora_B.weight"];
  const tensors = Object.entries(modules).flatMap(([name, [out, inputs, ...kernel]], i) => {
    const [down, up] = [matrix(2, inputs! * (kernel[0] ?? 1) ** 2, i), matrix(out!, 2, i + 50)];
    const shaped = (values: number[][], square: number): Nested =>
      kernel.length === 0
        ? values
        : values.map((row) =>
            Array.from({ length: row.length / square ** 2 }, (_, c) =>
              Array.from({ length: square }, (_, y) =>
                Array.from({ length: square }, (_, x) => row[c * square ** 2 + y * square + x]!),
              ),
            ),
          );
    return [encodeTensor(`${name}.${a}`, shaped(down, kernel[0] ?? 1)), encodeTensor(`${name}.${b}`, shaped(up, 1))];
  });
  return openAdapter(memoryFolder("mine", { "lora.safetensors": encodeSafetensors(tensors) }));
}

const zeros = (shape: readonly number[]): Nested =>
  shape.length === 0 ? 0 : Array.from({ length: shape[0]! }, () => zeros(shape.slice(1)));
const baseOf = async (shapes: Readonly<Record<string, readonly number[]>>): Promise<BaseModel> => ({
  ...(await openPicoModel(Object.fromEntries(Object.entries(shapes).map(([key, shape]) => [key, zeros(shape)])))),
  name: "checkpoint.safetensors",
});
const deltaOf = async (adapter: Adapter, end: string): Promise<number[]> => {
  const module = [...adapter.modules.values()].find(({ name }) => name.endsWith(end)) as AdapterModule;
  return Array.from(await moduleDelta(adapter, module));
};
function expectClose(found: readonly number[], expected: readonly number[], what: string): void {
  expect(found.length, what).toBe(expected.length);
  for (const [i, value] of found.entries()) expect(value, what).toBeCloseTo(expected[i]!, 5);
}

/** Modules of SDXL in kohya's names, and the tensors of its single-file checkpoint (sgm). */
const SDXL = {
  lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q: [4, 4],
  lora_unet_down_blocks_1_resnets_0_conv1: [4, 4, 3, 3],
  lora_te1_text_model_encoder_layers_0_self_attn_q_proj: [4, 4],
  lora_te2_text_model_encoder_layers_0_self_attn_q_proj: [4, 4],
  lora_te2_text_model_encoder_layers_0_self_attn_v_proj: [4, 4],
  lora_te2_text_model_encoder_layers_0_mlp_fc1: [8, 4],
};
const SGM = {
  "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_q.weight": [4, 4],
  "model.diffusion_model.input_blocks.4.0.in_layers.2.weight": [4, 4, 3, 3],
  "conditioner.embedders.0.transformer.text_model.encoder.layers.0.self_attn.q_proj.weight": [4, 4],
  "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight": [12, 4],
  "conditioner.embedders.1.model.transformer.resblocks.0.mlp.c_fc.weight": [8, 4],
  "first_stage_model.decoder.conv_in.weight": [4, 4, 3, 3],
};

describe("fuse into single-file checkpoints", () => {
  it("of Stable Diffusion XL adds to the UNet and both text encoders, open_clip's fused attention included", async () => {
    const adapter = await adapterOf(SDXL, true);
    const fused = await fusedTensors(await baseOf(SGM), [adapter]);
    const at = (key: keyof typeof SGM) => fused[key]!.values;
    for (const [key, end] of [
      ["model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_q.weight", "attn1.to_q"],
      ["model.diffusion_model.input_blocks.4.0.in_layers.2.weight", "resnets.0.conv1"],
      [
        "conditioner.embedders.0.transformer.text_model.encoder.layers.0.self_attn.q_proj.weight",
        "text_encoder.text_model.encoder.layers.0.self_attn.q_proj",
      ],
      ["conditioner.embedders.1.model.transformer.resblocks.0.mlp.c_fc.weight", "mlp.fc1"],
    ] as const) {
      expectClose(at(key), await deltaOf(adapter, end), key);
    }
    const [q, v] = [
      await deltaOf(adapter, "text_encoder_2.text_model.encoder.layers.0.self_attn.q_proj"),
      await deltaOf(adapter, "v_proj"),
    ];
    const key = "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight";
    expectClose(at(key), [...q, ...q.map(() => 0), ...v], key);
    expect(at("first_stage_model.decoder.conv_in.weight").every((value) => value === 0)).toBe(true);
  });

  it("of one part alone counts what belongs to others, and names a module that it lacks", async () => {
    const adapter = await adapterOf(SDXL, true);
    const { "conditioner.embedders.1.model.transformer.resblocks.0.mlp.c_fc.weight": _, ...lacking } = SGM;
    await expect(fusedTensors(await baseOf(lacking), [adapter])).rejects.toThrow(
      /checkpoint\.safetensors has no tensor text_model\.encoder\.layers\.0\.mlp\.fc1\.weight, which mine: text_encoder_2/,
    );
    const unet = Object.fromEntries(Object.entries(SGM).filter(([key]) => key.startsWith("model.")));
    const plan = planFusion(await baseOf(unet), [adapter], {});
    expect([...plan.elsewhere]).toEqual([
      ["text_encoder", 1],
      ["text_encoder_2", 3],
    ]);
  });

  it("of Stable Diffusion XL are extracted under the names of adapters, attention by attention", async () => {
    const adapter = await adapterOf(SDXL, true);
    const base = await baseOf(SGM);
    const [bytes] = await fusedFiles(base, [adapter]);
    const tuned = await openModel(memoryFolder("tuned", { "model.safetensors": bytes! }));
    const plan = await planExtraction(base, tuned, { rank: 4 });
    const sink = memorySink(plan.layout.size);
    await sink.write(0, plan.layout.header);
    for (const group of extractionGroups(plan)) await extractModules(wasmKernels(), base, tuned, plan, group, sink);
    const files = {
      "adapter_config.json": new TextEncoder().encode(JSON.stringify(plan.config)),
      "adapter_model.safetensors": sink.bytes,
    };
    const found = await openAdapter(memoryFolder("found", files));
    const keys = "text_encoder_2.text_model.encoder.layers.0.self_attn.k_proj";
    expect([...found.modules.keys()].sort()).toEqual([...adapter.modules.keys(), keys].sort());
    for (const name of adapter.modules.keys()) {
      expectClose(await deltaOf(found, name), await deltaOf(adapter, name), name);
    }
    expect((await deltaOf(found, keys)).every((value) => value === 0)).toBe(true);
    // ComfyUI's and sd-scripts' names follow.
    const kohya = loadedWriter("kohya").convert(found, null);
    expect(kohya.tensors.map(({ name }) => name)).toEqual(
      expect.arrayContaining(
        Object.keys(SDXL).map((name) => expect.stringMatching(name.replace(/^lora_unet_.*/, "lora_unet_"))),
      ),
    );
  });

  it("of Flux and Wan are extracted so that kohya's writer knows them", async () => {
    const cases: [prefix: string, shapes: Record<string, readonly number[]>, key: string][] = [
      [
        "model.diffusion_model.",
        {
          "double_blocks.0.img_attn.qkv": [12, 4],
          "single_blocks.0.linear1": [28, 4],
          "double_blocks.0.img_mlp.0": [16, 4],
        },
        "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight",
      ],
      [
        "model.diffusion_model.",
        { "blocks.0.self_attn.q": [4, 4], "blocks.0.cross_attn.o": [4, 4], "blocks.0.ffn.0": [16, 4] },
        "lora_unet_blocks_0_self_attn_q.lora_down.weight",
      ],
    ];
    for (const [prefix, shapes, key] of cases) {
      const named = Object.fromEntries(
        Object.entries(shapes).map(([name, shape]) => [`${prefix}${name}.weight`, shape]),
      );
      const base = await baseOf(named);
      const tuned = await openPicoModel(
        Object.fromEntries(
          Object.entries(named).map(([name, [rows, columns]], i) => [name, matrix(rows!, columns!, i)]),
        ),
      );
      const plan = await planExtraction(base, tuned, { rank: 4 });
      const sink = memorySink(plan.layout.size);
      await sink.write(0, plan.layout.header);
      const files = {
        "adapter_config.json": new TextEncoder().encode(JSON.stringify(plan.config)),
        "adapter_model.safetensors": sink.bytes,
      };
      const found = await openAdapter(memoryFolder("found", files));
      expect(
        loadedWriter("kohya")
          .convert(found, null)
          .tensors.map(({ name }) => name),
      ).toContain(key);
    }
  });

  const QKV = { "diffusion_model.double_blocks.0.img_attn.qkv": [3 * WIDTH, WIDTH] };
  const LINEAR1 = { "diffusion_model.single_blocks.0.linear1": [7 * WIDTH, WIDTH] };
  const SPLIT = Object.fromEntries(
    ["to_q", "to_k", "to_v"].map((part) => [`transformer.transformer_blocks.0.attn.${part}`, [WIDTH, WIDTH]]),
  );

  it.each(["", "model.diffusion_model."])("of Flux take adapters of either layout (%j)", async (prefix) => {
    const base = await baseOf({
      [`${prefix}double_blocks.0.img_attn.qkv.weight`]: [3 * WIDTH, WIDTH],
      [`${prefix}single_blocks.0.linear1.weight`]: [7 * WIDTH, WIDTH],
      [`${prefix}single_blocks.0.linear2.weight`]: [WIDTH, 5 * WIDTH],
      "text_encoders.clip_l.transformer.text_model.encoder.layers.0.mlp.fc1.weight": [8, 4],
    });
    const whole = await adapterOf({
      ...QKV,
      ...LINEAR1,
      "text_encoders.clip_l.transformer.text_model.encoder.layers.0.mlp.fc1": [8, 4],
    });
    const one = await fusedTensors(base, [whole]);
    for (const [key, end] of [
      [`${prefix}double_blocks.0.img_attn.qkv.weight`, "qkv"],
      [`${prefix}single_blocks.0.linear1.weight`, "linear1"],
      ["text_encoders.clip_l.transformer.text_model.encoder.layers.0.mlp.fc1.weight", "fc1"],
    ] as const) {
      expectClose(one[key]!.values, await deltaOf(whole, end), key);
    }
    const split = await adapterOf({
      ...SPLIT,
      "transformer.single_transformer_blocks.0.proj_out": [WIDTH, 5 * WIDTH],
    });
    const other = await fusedTensors(base, [split]);
    const parts = await Promise.all(["q", "k", "v"].map((part) => deltaOf(split, `qkv.${part}`)));
    expectClose(other[`${prefix}double_blocks.0.img_attn.qkv.weight`]!.values, parts.flat(), "split");
  });

  it("of Flux in diffusers' names take them too, without the folder's name", async () => {
    const base = await baseOf(
      Object.fromEntries(
        Object.entries(SPLIT).map(([name, shape]) => [`${name.slice("transformer.".length)}.weight`, shape]),
      ),
    );
    const adapter = await adapterOf(QKV);
    const fused = await fusedTensors(base, [adapter]);
    const expected = await deltaOf(adapter, "qkv");
    for (const [i, part] of ["to_q", "to_k", "to_v"].entries()) {
      const own = expected.slice(i * WIDTH * WIDTH, (i + 1) * WIDTH * WIDTH);
      expectClose(fused[`transformer_blocks.0.attn.${part}.weight`]!.values, own, part);
    }
  });

  it.each([
    ["Wan", "diffusion_model.blocks.0.self_attn.q", "model.diffusion_model.blocks.0.self_attn.q"],
    ["Wan from diffusers' names", "transformer.blocks.0.attn1.to_q", "blocks.0.self_attn.q"],
    ["HunyuanVideo's own code", "diffusion_model.double_blocks.0.img_attn.qkv", "double_blocks.0.img_attn_qkv"],
    [
      "Qwen-Image",
      "transformer.transformer_blocks.0.attn.to_q",
      "model.diffusion_model.transformer_blocks.0.attn.to_q",
    ],
  ])("of %s find modules by any spelling", async (title, module, stem) => {
    const tall = module.endsWith("qkv") ? 3 * WIDTH : WIDTH;
    const more: Record<string, readonly number[]> =
      title === "HunyuanVideo's own code" ? { "diffusion_model.double_blocks.0.img_mlp.fc1": [4 * WIDTH, WIDTH] } : {};
    const adapter = await adapterOf({ [module]: [tall, WIDTH], ...more });
    const base = await baseOf({
      [`${stem}.weight`]: [tall, WIDTH],
      ...Object.fromEntries(Object.entries(more).map(([name, shape]) => [`${name.slice(16)}.weight`, shape])),
    });
    const fused = await fusedTensors(base, [adapter]);
    expectClose(fused[`${stem}.weight`]!.values, await deltaOf(adapter, adapter.modules.keys().next().value!), stem);
  });
});
