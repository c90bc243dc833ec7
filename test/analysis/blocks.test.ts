import { describe, expect, it } from "vitest";
import { inspectOpened } from "../../src/analysis/inspect.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { DOWN_UP, openConstant, type Sizes } from "../support/constant-file.ts";
import { openPico } from "../support/pico.ts";

/** The blocks of a file in which every entry of module number n is n. */
const blocks = async (sizes: Sizes, ends?: typeof DOWN_UP) => {
  const found = await inspectOpened(wasmKernels(), await openConstant("style", sizes, ends));
  return found.blocks.map(({ name, modules, norm }) => [name, modules, Math.round(norm * 1e4) / 1e4]);
};

describe("the blocks of an adapter", () => {
  it("stand in the model's order with the norm of all their deltas, whole or in parts", async () => {
    const sizes: Sizes = {
      "transformer.single_transformer_blocks.3.proj_out": [4, 4],
      "transformer.single_transformer_blocks.3.norm.linear": [4, 4],
      "transformer.transformer_blocks.12.attn.to_q": [4, 4],
      "transformer.transformer_blocks.12.attn.to_k": [4, 4],
      "transformer.x_embedder": [4, 4],
      "text_encoder.text_model.encoder.layers.3.mlp.fc1": [4, 4],
    };
    // |n * ones(4, 4)|_F = 4 n; 5 = hypot(3, 4).
    expect(await blocks(sizes)).toEqual([
      ["te1", 1, 24],
      ["IN", 1, 20],
      ["D12", 2, 20],
      ["S03", 2, Math.round(4 * Math.sqrt(5) * 1e4) / 1e4],
    ]);
  });

  it("are those of a UNet by the names that people weigh them by", async () => {
    const sizes: Sizes = {
      lora_unet_up_blocks_1_attentions_2_proj_in: [4, 4],
      lora_unet_mid_block_attentions_0_proj_in: [4, 4],
      lora_unet_down_blocks_1_attentions_0_proj_in: [4, 4],
      lora_unet_time_embedding_linear_1: [4, 4],
      lora_te_text_model_encoder_layers_3_mlp_fc1: [4, 4],
    };
    expect((await blocks(sizes, DOWN_UP)).map(([name]) => name)).toEqual(["te1", "IN04", "M00", "OUT05"]);
  });

  it("have the paths of models that nobody gave short names, by number", async () => {
    const sizes: Sizes = {
      "diffusion_model.blocks.10.self_attn.q": [4, 4],
      "diffusion_model.blocks.2.self_attn.q": [4, 4],
    };
    expect((await blocks(sizes)).map(([name]) => name)).toEqual(["blocks.2", "blocks.10"]);
  });

  it("are none for other models", async () => {
    const adapter = await openPico("math", { modules: { "model.layers.0.q_proj": { A: [[1]], B: [[1]] } } });
    expect((await inspectOpened(wasmKernels(), adapter)).blocks).toEqual([]);
  });
});
