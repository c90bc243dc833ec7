import { defineFamily, type Family, swapped } from "./family.ts";
import { FLUX_ATTENTION } from "./flux1.ts";

/** Flux.2, with gated MLPs and shared modulations; diffusers keeps the first layer of its single blocks whole. */
export const FLUX2: Family = defineFamily({
  id: "flux2",
  title: "Flux.2",
  sizes: [
    { width: 3072, blocks: { double_blocks: 5, single_blocks: 20 } },
    { width: 4096, blocks: { double_blocks: 8, single_blocks: 24 } },
    { width: 6144, blocks: { double_blocks: 8, single_blocks: 48 } },
  ],
  ratios: {
    "double_blocks.#.img_mlp.0": 6,
    "double_blocks.#.txt_mlp.0": 6,
    "double_blocks.#.img_mlp.2": 1 / 3,
    "double_blocks.#.txt_mlp.2": 1 / 3,
    "single_blocks.#.linear1": 9,
    "single_blocks.#.linear2": 1 / 4,
  },
  said: /flux-?2/i,
  networkModule: "networks.lora_flux_2",
  weights: {
    ...FLUX_ATTENTION,
    "double_blocks.#.{img_mlp,txt_mlp}.{0,2}": "transformer_blocks.#.{ff,ff_context}.{linear_in,linear_out}",
    "single_blocks.#.{linear1,linear2}": "single_transformer_blocks.#.attn.{to_qkv_mlp_proj,to_out}",
    "{double_stream_modulation_img,double_stream_modulation_txt,single_stream_modulation}.lin":
      "{double_stream_modulation_img,double_stream_modulation_txt,single_stream_modulation}.linear",
    "{img_in,txt_in}": "{x_embedder,context_embedder}",
    "{time_in,guidance_in}.{in_layer,out_layer}":
      "time_guidance_embed.{timestep_embedder,guidance_embedder}.{linear_1,linear_2}",
    "final_layer.linear": "proj_out",
    "final_layer.adaLN_modulation.1": swapped("norm_out.linear"),
  },
});
