import { defineFamily, type Family, split, swapped } from "./family.ts";
import { FLUX_BLOCKS, FLUX_MODULATIONS, FLUX_RATIOS } from "./flux1.ts";

/** HunyuanVideo in the names that ComfyUI gives it, which are Flux.1's; its own code's are other spellings. */
export const HUNYUAN_VIDEO: Family = defineFamily({
  id: "hunyuan-video",
  title: "HunyuanVideo",
  sizes: [{ width: 3072, blocks: { double_blocks: 20, single_blocks: 40 } }],
  ratios: FLUX_RATIOS,
  said: /hunyuan/i,
  networkModule: "networks.lora",
  weights: {
    ...FLUX_BLOCKS,
    ...FLUX_MODULATIONS,
    "txt_in.individual_token_refiner.blocks.#.self_attn.qkv": split({
      q: "context_embedder.token_refiner.refiner_blocks.#.attn.to_q",
      k: "context_embedder.token_refiner.refiner_blocks.#.attn.to_k",
      v: "context_embedder.token_refiner.refiner_blocks.#.attn.to_v",
    }),
    "txt_in.individual_token_refiner.blocks.#.self_attn.proj":
      "context_embedder.token_refiner.refiner_blocks.#.attn.to_out.0",
    "txt_in.individual_token_refiner.blocks.#.mlp.{0,2}":
      "context_embedder.token_refiner.refiner_blocks.#.ff.net.{0.proj,2}",
    "txt_in.individual_token_refiner.blocks.#.adaLN_modulation.1":
      "context_embedder.token_refiner.refiner_blocks.#.norm_out.linear",
    "txt_in.{t_embedder,c_embedder}.{in_layer,out_layer}":
      "context_embedder.time_text_embed.{timestep_embedder,text_embedder}.{linear_1,linear_2}",
    "txt_in.input_embedder": "context_embedder.proj_in",
    "img_in.proj": "x_embedder.proj",
    "{time_in,vector_in,guidance_in}.{in_layer,out_layer}":
      "time_text_embed.{timestep_embedder,text_embedder,guidance_embedder}.{linear_1,linear_2}",
    "final_layer.linear": "proj_out",
    "final_layer.adaLN_modulation.1": swapped("norm_out.linear"),
  },
  also: {
    "double_blocks.#.{img_attn,txt_attn}.{qkv,proj}": "double_blocks.#.{img_attn,txt_attn}_{qkv,proj}",
    "double_blocks.#.{img_mlp,txt_mlp}.{0,2}": "double_blocks.#.{img_mlp,txt_mlp}.{fc1,fc2}",
    "double_blocks.#.{img_mod,txt_mod}.lin": "double_blocks.#.{img_mod,txt_mod}.linear",
    "single_blocks.#.modulation.lin": "single_blocks.#.modulation.linear",
    "txt_in.individual_token_refiner.blocks.#.self_attn.{qkv,proj}":
      "txt_in.individual_token_refiner.blocks.#.self_attn_{qkv,proj}",
    "txt_in.individual_token_refiner.blocks.#.mlp.{0,2}": "txt_in.individual_token_refiner.blocks.#.mlp.{fc1,fc2}",
    "txt_in.t_embedder.{in_layer,out_layer}": "txt_in.t_embedder.mlp.{0,2}",
    "txt_in.c_embedder.{in_layer,out_layer}": "txt_in.c_embedder.{linear_1,linear_2}",
    "{time_in,guidance_in}.{in_layer,out_layer}": "{time_in,guidance_in}.mlp.{0,2}",
  },
});
