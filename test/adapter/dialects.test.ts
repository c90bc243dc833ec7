import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { consumerById } from "../../src/adapter/consumers.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import { FormatError, RefusedError } from "../../src/core/errors.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { type MemoryFiles, memoryFolder, rejection } from "../support/memory-folder.ts";
import { decodeAdapter, encodeTensor, type Nested } from "../support/pico.ts";

/** A (2, 3) and B (2, 2): at scale 3, delta = 3 B A. */
const A = [
  [1, 2, 3],
  [4, 5, 6],
];
const B = [
  [1, -1],
  [0.5, 2],
];
const BA = [-3, -3, -3, 8.5, 11, 13.5];

const across = (rows: readonly (readonly number[])[]): number[][] => rows[0]!.map((_, j) => rows.map((row) => row[j]!));

type Tensors = Readonly<Record<string, Nested>>;

function files(tensors: Tensors, metadata?: Record<string, string>, config?: object): MemoryFiles {
  const weights = encodeSafetensors(
    Object.entries(tensors).map(([name, values]) => encodeTensor(name, values)),
    metadata,
  );
  const configs = config === undefined ? {} : { "adapter_config.json": JSON.stringify(config) };
  return { "weights.safetensors": weights, ...configs };
}

const open = (...args: Parameters<typeof files>): Promise<Adapter> => openAdapter(memoryFolder("mine", files(...args)));

async function refuses(kind: typeof FormatError | typeof RefusedError, tensors: Tensors, ...parts: string[]) {
  const error = await rejection(open(tensors));
  expect(error).toBeInstanceOf(kind);
  for (const part of ["mine", ...parts]) expect(error.message).toContain(part);
}

/** The deltas that an adapter merges to when it is alone. */
async function deltasOf(adapter: Adapter): Promise<Record<string, number[]>> {
  const { config, weights } = await mergeInMemory([adapter], { method: "cat", dtype: "f32" });
  const { modules } = decodeAdapter(JSON.stringify(config), weights);
  return Object.fromEntries(
    Array.from(modules, ([name, { delta }]) => [name, [...delta].map((value) => Number(value.toFixed(5)))]),
  );
}

const times = (factor: number): number[] => BA.map((value) => factor * value);

describe("kohya", () => {
  const UNET = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0";

  it("reads underscored modules, scale alpha / r", async () => {
    const adapter = await open({
      [`${UNET}.lora_down.weight`]: A,
      [`${UNET}.lora_up.weight`]: B,
      [`${UNET}.alpha`]: 6,
    });
    expect(adapter.format).toBe("kohya");
    expect(await deltasOf(adapter)).toEqual({
      "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0": times(3),
    });
  });

  it("takes the rank for an alpha that is missing", async () => {
    const adapter = await open({ [`${UNET}.lora_down.weight`]: A, [`${UNET}.lora_up.weight`]: B });
    expect(Object.values(await deltasOf(adapter))).toEqual([BA]);
  });

  it("takes an alpha of 0 for a zero delta, and says so", async () => {
    const other = "lora_unet_conv_in";
    const factors = (stem: string) => ({ [`${stem}.lora_down.weight`]: A, [`${stem}.lora_up.weight`]: B });
    const adapter = await open({ ...factors(UNET), [`${UNET}.alpha`]: 0, ...factors(other) });
    const deltas = await deltasOf(adapter);
    expect(deltas["unet.conv_in"]).toEqual(BA);
    expect(deltas["unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0"]).toEqual(BA.map(() => 0));
    const notice = {
      id: "alpha-zero" as const,
      text: expect.stringMatching(/^mine has alpha 0 in 1 of its modules .*attn1\.to_out\.0.*set alpha to the rank/),
    };
    expect(adapter.notices).toEqual([notice]);
    const { report } = await mergeInMemory([adapter], { method: "cat" });
    expect(report.warnings).toContainEqual(notice);
    const { findings } = checkOpened(adapter, consumerById("comfyui"));
    expect(findings).toContainEqual({ level: "note", text: notice.text });
    const inDiffusers = await open({
      "unet.conv_in.lora_A.weight": A,
      "unet.conv_in.lora_B.weight": B,
      "unet.conv_in.alpha": 0,
    });
    expect(inDiffusers.notices).toMatchObject([{ id: "alpha-zero" }]);
  });

  it.each([
    [
      "lora_te_text_model_encoder_layers_11_self_attn_q_proj",
      "text_encoder.text_model.encoder.layers.11.self_attn.q_proj",
    ],
    ["lora_te1_text_model_encoder_layers_0_mlp_fc1", "text_encoder.text_model.encoder.layers.0.mlp.fc1"],
    ["lora_te2_text_projection", "text_encoder_2.text_projection"],
    [
      "lora_te3_encoder_block_0_layer_1_DenseReluDense_wi_0",
      "text_encoder_3.encoder.block.0.layer.1.DenseReluDense.wi_0",
    ],
    ["lora_te_model_layers_3_self_attn_q_proj", "lora_te_model_layers_3_self_attn_q_proj"],
    ["lora_unet_unet_mid_block_resnets_1_time_emb_proj", "unet.mid_block.resnets.1.time_emb_proj"],
    ["lora_unet_up_blocks_2_upsamplers_0_conv", "unet.up_blocks.2.upsamplers.0.conv"],
    [
      "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k",
      "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k",
    ],
    ["lora_unet_input_blocks_3_0_op", "unet.down_blocks.0.downsamplers.0.conv"],
    ["lora_unet_middle_block_2_in_layers_2", "unet.mid_block.resnets.1.conv1"],
    ["lora_unet_output_blocks_5_2_conv", "unet.up_blocks.1.upsamplers.0.conv"],
    ["lora_unet_output_blocks_0_0_skip_connection", "unet.up_blocks.0.resnets.0.conv_shortcut"],
    ["lora_unet_double_blocks_7_img_attn_qkv", "diffusion_model.double_blocks.7.img_attn.qkv"],
    ["lora_unet_some_new_model_3_layer", "lora_unet_some_new_model_3_layer"],
    ["diffusion_model.blocks.0.attn", "diffusion_model.blocks.0.attn"],
  ])("calls %s %s", async (key, name) => {
    const { modules } = await open({ [`${key}.lora_down.weight`]: A, [`${key}.lora_up.weight`]: B });
    expect([...modules.keys()]).toEqual([name]);
  });

  it("reads convolutions", async () => {
    const key = "lora_unet_down_blocks_0_resnets_0_conv1";
    const kernel = (rows: number[][]) =>
      rows.map((row) =>
        row.map((value) => [
          [value, 0, 0],
          [0, 0, 0],
          [0, 0, 0],
        ]),
      );
    const { modules } = await open({
      [`${key}.lora_down.weight`]: kernel(A),
      [`${key}.lora_up.weight`]: B.map((row) => row.map((value) => [[value]])),
    });
    expect(modules.get("unet.down_blocks.0.resnets.0.conv1")).toMatchObject({
      kind: "conv",
      in: 27,
      out: 2,
      inputShape: [3, 3, 3],
    });
  });

  it("refuses tensors that it does not know", async () => {
    const factors = { "lora_unet_x.lora_down.weight": A, "lora_unet_x.lora_up.weight": B };
    await refuses(
      RefusedError,
      { ...factors, "lora_unet_x.odd": [[1]] },
      "lora_unet_x.odd",
      "not part of a plain LoRA",
    );
  });

  it("refuses two names for one module", async () => {
    const half = (key: string) => ({ [`${key}.lora_down.weight`]: A, [`${key}.lora_up.weight`]: B });
    const twice = { ...half("lora_unet_conv_in"), ...half("lora_unet_input_blocks_0_0") };
    await refuses(FormatError, twice, "unet.conv_in", "both belong");
  });

  it("refuses an alpha that has no factors, and two of one module", async () => {
    const factors = { [`${UNET}.lora_down.weight`]: A, [`${UNET}.lora_up.weight`]: B };
    await refuses(
      FormatError,
      { ...factors, "lora_unet_x.alpha": 4 },
      "lora_unet_x.alpha",
      "no factors for lora_unet_x",
    );
    await refuses(FormatError, { ...factors, [`${UNET}.alpha`]: 4, [`${UNET}_lora.alpha`]: 8 }, `${UNET}_lora.alpha`);
  });

  it("refuses an alpha that is no number", async () => {
    const factors = { "lora_unet_x.lora_down.weight": A, "lora_unet_x.lora_up.weight": B };
    await refuses(FormatError, { ...factors, "lora_unet_x.alpha": [1, 2] }, "lora_unet_x.alpha", "one number");
    await refuses(FormatError, { ...factors, "lora_unet_x.alpha": Number.NaN }, "lora_unet_x.alpha", "finite");
  });
});

describe("diffusers", () => {
  const NAME = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0";
  const STEM = "down_blocks.0.attentions.0.transformer_blocks.0.attn1";

  it.each([
    ["today's", `unet.${STEM}.to_out.0.lora_A.weight`, `unet.${STEM}.to_out.0.lora_B.weight`],
    ["the middle", `unet.${STEM}.to_out.0.lora.down.weight`, `unet.${STEM}.to_out.0.lora.up.weight`],
    ["the oldest", `${STEM}.processor.to_out_lora.down.weight`, `${STEM}.processor.to_out_lora.up.weight`],
  ])("reads %s keys at scale 1", async (_, a, b) => {
    const adapter = await open({ [a]: A, [b]: B });
    expect(adapter.format).toBe("diffusers");
    expect(await deltasOf(adapter)).toEqual({ [NAME]: BA });
  });

  it("reads text encoders' linear layers", async () => {
    const key = "text_encoder.text_model.encoder.layers.0.self_attn.q_proj";
    const { modules } = await open({
      [`${key}.lora_linear_layer.down.weight`]: A,
      [`${key}.lora_linear_layer.up.weight`]: B,
    });
    expect([...modules.keys()]).toEqual([key]);
  });

  it("takes scales from <module>.alpha", async () => {
    const adapter = await open({ [`${NAME}.lora_A.weight`]: A, [`${NAME}.lora_B.weight`]: B, [`${NAME}.alpha`]: 8 });
    expect(await deltasOf(adapter)).toEqual({ [NAME]: times(4) });
  });

  it.each([
    [`${NAME}.lora.down.weight`, `${NAME}.lora.up.weight`, `${NAME}.lora.alpha`],
    [`${NAME}.lora.down.weight`, `${NAME}.lora.up.weight`, `${NAME}.alpha`],
    [`${NAME}.lora_linear_layer.down.weight`, `${NAME}.lora_linear_layer.up.weight`, `${NAME}.lora_linear_layer.alpha`],
    [
      "unet.x.processor.to_q_lora.down.weight",
      "unet.x.processor.to_q_lora.up.weight",
      "unet.x.processor.to_q_lora.alpha",
    ],
    ["unet.x.processor.to_out_lora.down.weight", "unet.x.processor.to_out_lora.up.weight", "unet.x.to_out.alpha"],
  ])("takes the scale of %s from the alpha beside it", async (a, b, alpha) => {
    expect(Object.values(await deltasOf(await open({ [a]: A, [b]: B, [alpha]: 8 })))).toEqual([times(4)]);
  });

  it("refuses an alpha that has no factors, and two of one module", async () => {
    const factors = { [`${NAME}.lora.down.weight`]: A, [`${NAME}.lora.up.weight`]: B };
    await refuses(FormatError, { ...factors, "unet.other.alpha": 4 }, "unet.other.alpha", "no factors for unet.other");
    const twice = { ...factors, [`${NAME}.alpha`]: 4, [`${NAME}.lora.alpha`]: 8 };
    await refuses(FormatError, twice, `${NAME}.alpha`, `${NAME}.lora.alpha`, "remove the one");
  });

  it("tells the magnitude of a module by its path in every age", async () => {
    const stem = "unet.x.processor.to_q_lora";
    const dora = await open({ [`${stem}.down.weight`]: A, [`${stem}.up.weight`]: B, [`${stem}.dora_scale`]: [1, 1] });
    expect(dora.variants.map(({ id }) => id)).toEqual(["dora"]);
  });

  it("takes the scale of a model that was saved by itself from metadata without components", async () => {
    const path = "transformer_blocks.0.attn.to_q";
    const tensors = { [`${path}.lora_A.weight`]: A, [`${path}.lora_B.weight`]: B };
    const said = (fields: object) => ({ lora_adapter_metadata: JSON.stringify(fields) });
    const adapter = await open(tensors, said({ r: 2, lora_alpha: 6, target_modules: ["to_q"] }));
    expect(await deltasOf(adapter)).toEqual({ [path]: times(3) });
    expect(await deltasOf(await open(tensors, said({ "unet.r": 2, "unet.lora_alpha": 6, note: 1 })))).toEqual({
      [path]: BA,
    });
  });

  it("refuses names without a component beside PEFT's config, where their scale is not certain", async () => {
    const path = "transformer_blocks.0.attn.to_q";
    const tensors = { [`${path}.lora_A.weight`]: A, [`${path}.lora_B.weight`]: B };
    const error = await rejection(open(tensors, undefined, { peft_type: "LORA", r: 2, target_modules: ["to_q"] }));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toMatch(/transformer_blocks\.0\.attn\.to_q starts neither .*its scale is not certain/);
  });

  it("reads what lies beside the factors as extras, by name", async () => {
    const factors = { [`${NAME}.lora_A.weight`]: A, [`${NAME}.lora_B.weight`]: B };
    const side = ["unet.x.diff", "unet.x.diff_b", "unet.x.w_norm", "bundle_emb.zkz.clip_l"];
    const adapter = await open({ ...factors, ...Object.fromEntries(side.map((key) => [key, [1]])) });
    expect([...adapter.extras.keys()].sort()).toEqual([...side].sort());
    await expect(mergeInMemory([adapter, adapter], { method: "cat" })).rejects.toThrow(/bundle_emb.*--extras/);
  });

  it("tells a bias beside B", async () => {
    const path = "double_blocks.0.img_attn.qkv";
    const control = await open({
      [`${path}.lora_A.weight`]: A,
      [`${path}.lora_B.weight`]: B,
      [`${path}.lora_B.bias`]: [1, 1],
      "double_blocks.0.img_attn.norm.query_norm.scale": [1],
    });
    expect(control.variants.map(({ id }) => id)).toEqual(["lora_bias"]);
    expect(control.modules.get(`diffusion_model.${path}`)!.bias!.name).toBe(`${path}.lora_B.bias`);
  });

  it("reads the attention processors of XLabs' code as weights of Flux.1", async () => {
    // A takes 2 inputs and B has n in row n, from 1.
    const rows = (count: number) => Array.from({ length: count }, (_, i) => [i + 1]);
    const xlabs = (name: string, out: number) => ({
      [`${name}.down.weight`]: [[1, 2]],
      [`${name}.up.weight`]: rows(out),
    });
    const adapter = await open({
      ...xlabs("double_blocks.3.processor.qkv_lora1", 6),
      ...xlabs("double_blocks.3.processor.qkv_lora2", 6),
      ...xlabs("double_blocks.3.processor.proj_lora1", 2),
      ...xlabs("double_blocks.3.processor.proj_lora2", 2),
      ...xlabs("single_blocks.7.processor.qkv_lora", 6),
      ...xlabs("single_blocks.7.processor.proj_lora", 2),
    });
    expect(adapter).toMatchObject({ families: ["flux1"], variants: [] });
    const { config, weights } = await mergeInMemory([adapter], { method: "cat", dtype: "f32" });
    const { modules } = decodeAdapter(JSON.stringify(config), weights);
    const column = Array.from(modules, ([name, { delta, in: inputs }]) => [
      name.replace("diffusion_model.", ""),
      [...delta].filter((_, i) => i % inputs! === 0).map(Math.round),
    ]);
    // linear1 has queries, keys, values, and MLP rows four times as many, which the file does not change.
    expect(Object.fromEntries(column)).toEqual({
      "double_blocks.3.img_attn.qkv": [1, 2, 3, 4, 5, 6],
      "double_blocks.3.txt_attn.qkv": [1, 2, 3, 4, 5, 6],
      "double_blocks.3.img_attn.proj": [1, 2],
      "double_blocks.3.txt_attn.proj": [1, 2],
      "single_blocks.7.linear1": [1, 2, 3, 4, 5, 6, ...Array<number>(8).fill(0)],
      "single_blocks.7.linear2": [1, 2],
    });
  });

  it.each(["lora_te2_", "lora_te3_", "text_encoder_2.", "text_encoder_3."])(
    "gives T5 one name in files that call it %s, and leaves CLIP where it stands",
    async (beginning) => {
      const dotted = beginning.endsWith(".");
      const named = (path: string) => beginning + (dotted ? path : path.replaceAll(".", "_"));
      const [down, up] = dotted ? [".lora_A.weight", ".lora_B.weight"] : [".lora_down.weight", ".lora_up.weight"];
      const file = (path: string) => open({ [named(path) + down]: A, [named(path) + up]: B });
      const t5 = "encoder.block.0.layer.0.SelfAttention.q";
      expect([...(await file(t5)).modules.keys()]).toEqual([`text_encoder_3.${t5}`]);
      const clip = "text_model.encoder.layers.0.mlp.fc1";
      expect([...(await file(clip)).modules.keys()]).toEqual([`text_encoder_${/\d/.exec(beginning)![0]}.${clip}`]);
    },
  );

  it("warns of fields in the metadata that nobody here knows", async () => {
    const tensors = { [`${NAME}.lora_A.weight`]: A, [`${NAME}.lora_B.weight`]: B };
    const said = (fields: object) => ({ lora_adapter_metadata: JSON.stringify(fields) });
    const fields = { "unet.r": 2, "unet.lora_alpha": 2, "unet.use_supernova": true, "unet.future": false };
    const adapter = await open(tensors, said(fields));
    expect(adapter.unknownFields).toEqual(["unet.use_supernova"]);
    expect(adapter.notices).toEqual([
      {
        id: "unknown-field",
        text: expect.stringMatching(/^mine sets unet\.use_supernova in lora_adapter_metadata, which .* check that it /),
      },
    ]);
    const { report } = await mergeInMemory([adapter], { method: "cat" });
    expect(report.warnings.map(({ id }) => id)).toEqual(["unknown-field"]);
    expect(report.inputs[0]!.unknownFields).toEqual(["unet.use_supernova"]);
    expect((await open(tensors, said({ "unet.r": 2, "unet.lora_alpha": 2 }))).notices).toEqual([]);
  });

  it("takes scales from the LoraConfig in the metadata, patterns and rsLoRA included", async () => {
    const other = "unet.conv_in";
    const fields = {
      "unet.r": 2,
      "unet.lora_alpha": 4,
      "unet.alpha_pattern": { conv_in: 6 },
      "unet.target_modules": ["x"],
    };
    const tensors = {
      [`${NAME}.lora_A.weight`]: A,
      [`${NAME}.lora_B.weight`]: B,
      [`${other}.lora_A.weight`]: A,
      [`${other}.lora_B.weight`]: B,
    };
    const adapter = await open(tensors, { lora_adapter_metadata: JSON.stringify(fields) });
    expect(await deltasOf(adapter)).toEqual({ [NAME]: times(2), [other]: times(3) });
    const rooted = await open(tensors, {
      lora_adapter_metadata: JSON.stringify({ ...fields, "unet.use_rslora": true }),
    });
    expect(rooted.modules.get(other)!.scale).toBeCloseTo(6 / Math.SQRT2, 12);
  });
});

describe("MLX", () => {
  const NAME = "model.layers.0.self_attn.q_proj";
  const tensors = { [`${NAME}.lora_a`]: across(A), [`${NAME}.lora_b`]: across(B) };
  const config = { fine_tune_type: "lora", num_layers: 4, lora_parameters: { rank: 2, scale: 10, alpha: 16 } };

  it("reads the transposed factors, the scale as it is", async () => {
    const adapter = await open(tensors, undefined, config);
    expect(adapter).toMatchObject({ format: "mlx", someLayers: true });
    expect(await deltasOf(adapter)).toEqual({ [NAME]: times(10) });
  });

  it("tells embeddings by their names", async () => {
    const { modules } = await open(
      { "model.embed_tokens.lora_a": across(A), "model.embed_tokens.lora_b": across(B) },
      undefined,
      { lora_parameters: { rank: 2, scale: 1 } },
    );
    expect(modules.get("model.embed_tokens")).toMatchObject({ kind: "embedding", in: 3, out: 2 });
  });

  it.each([
    ["has no config", undefined, FormatError, "adapter_config.json"],
    ["has PEFT's config", { peft_type: "LORA", r: 2 }, FormatError, "lora_parameters"],
    ["has another rank", { lora_parameters: { rank: 4, scale: 1 } }, FormatError, "rank 4"],
    ["has a scale in words", { lora_parameters: { rank: 2, scale: "10" } }, FormatError, "lora_parameters.scale"],
    ["is a full fine-tune", { ...config, fine_tune_type: "full" }, RefusedError, "full"],
  ])("is refused where it %s", async (_, own, kind, words) => {
    const error = await rejection(open(tensors, undefined, own));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toContain(words);
  });

  it("refuses experts", async () => {
    const error = await rejection(
      open({ [`${NAME}.lora_a`]: [across(A)], [`${NAME}.lora_b`]: [across(B)] }, undefined, config),
    );
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toContain("experts");
  });
});

describe("dialects without names", () => {
  it("reads lora_diffusion, and its learnt tokens as extras", async () => {
    const adapter = await open({ "unet:12:down": A, "unet:12:up": B, "<s1>": [1, 2] });
    expect(adapter.format).toBe("lora_diffusion");
    expect([...adapter.extras.keys()]).toEqual(["<s1>"]);
    expect(await deltasOf(adapter)).toEqual({ "unet:12": BA });
  });

  it("reads hand-written SAM factors", async () => {
    const adapter = await open({ w_a_000: A, w_b_000: B });
    expect(adapter.format).toBe("sam");
    expect(await deltasOf(adapter)).toEqual({ w_000: BA });
    await refuses(RefusedError, { w_a_000: A, w_b_000: B, sam_head: [1] }, "sam_head");
  });
});

describe("any dialect", () => {
  it.each([
    ["lora_unet_x.on_input", "an IA3"],
    ["unet.x.oft_blocks", "OFT"],
    ["lora_unet_x.a1.weight", "GLoRA"],
    ["lycoris_x.b2.weight", "GLoRA"],
    ["lora_unet_x.lambda_layer", "T-LoRA"],
    ["lora_unet_x.diff", "differences of whole tensors"],
  ])("calls what is no LoRA by its name (%s)", async (key, name) => {
    const adapter = await open({ [key]: A });
    expect(adapter).toMatchObject({ format: "foreign", variants: [{ id: "other_method" }] });
    for (const part of ["LyCORIS", key, name]) expect(adapter.variants[0]!.text).toContain(part);
    expect([...adapter.others.keys()]).toEqual([key]);
  });

  it("refuses half a module", async () => {
    await refuses(FormatError, { "lora_unet_conv_in.lora_down.weight": A }, "lora_up", "incomplete");
    await refuses(FormatError, { w_b_000: B }, "w_000", "w_a");
  });

  it("merges with another dialect of the same base", async () => {
    const name = "unet.mid_block.attentions.0.proj_in";
    const one = await open({ [`${name}.lora_A.weight`]: A, [`${name}.lora_B.weight`]: B });
    const key = "lora_unet_mid_block_attentions_0_proj_in";
    const other = await open({ [`${key}.lora_down.weight`]: A, [`${key}.lora_up.weight`]: B, [`${key}.alpha`]: 4 });
    const { config, weights } = await mergeInMemory([one, other], { method: "cat", dtype: "f32" });
    const { delta } = decodeAdapter(JSON.stringify(config), weights).modules.get(name)!;
    for (const [i, value] of times(3).entries()) expect(delta[i]).toBeCloseTo(value, 5);
  });
});
