import { describe, expect, it } from "vitest";
import { consumerById } from "../../../src/adapter/consumers.ts";
import { checkOpened } from "../../../src/analysis/check.ts";
import { FormatError, RefusedError } from "../../../src/core/errors.ts";
import { mergeInMemory } from "../../../src/merge/merge.ts";
import { A, B, BA, deltasOf, openDialect, refuses, times } from "../../support/dialect.ts";

describe("kohya", () => {
  const UNET = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0";

  it("reads underscored modules, scale alpha / r", async () => {
    const adapter = await openDialect({
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
    const adapter = await openDialect({ [`${UNET}.lora_down.weight`]: A, [`${UNET}.lora_up.weight`]: B });
    expect(Object.values(await deltasOf(adapter))).toEqual([BA]);
  });

  it("takes an alpha of 0 for a zero delta, and says so", async () => {
    const other = "lora_unet_conv_in";
    const factors = (stem: string) => ({ [`${stem}.lora_down.weight`]: A, [`${stem}.lora_up.weight`]: B });
    const adapter = await openDialect({ ...factors(UNET), [`${UNET}.alpha`]: 0, ...factors(other) });
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
    const inDiffusers = await openDialect({
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
    const { modules } = await openDialect({ [`${key}.lora_down.weight`]: A, [`${key}.lora_up.weight`]: B });
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
    const { modules } = await openDialect({
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
