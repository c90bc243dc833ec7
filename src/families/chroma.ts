import { defineFamily, type Family } from "./family.ts";
import { FLUX_BLOCK_NOTES, FLUX_BLOCKS, FLUX_RATIOS } from "./flux1.ts";

/** Flux.1 with one layer that computes all modulations. */
export const CHROMA: Family = defineFamily({
  id: "chroma",
  title: "Chroma",
  sizes: [{ width: 3072, blocks: { double_blocks: 19, single_blocks: 38 } }],
  ratios: FLUX_RATIOS,
  said: /chroma/i,
  networkModule: "networks.lora_flux",
  blocks: FLUX_BLOCK_NOTES,
  weights: {
    ...FLUX_BLOCKS,
    "distilled_guidance_layer.{in_proj,out_proj}": "distilled_guidance_layer.{in_proj,out_proj}",
    "distilled_guidance_layer.layers.#.{in_layer,out_layer}": "distilled_guidance_layer.layers.#.{linear_1,linear_2}",
    "{img_in,txt_in}": "{x_embedder,context_embedder}",
    "final_layer.linear": "proj_out",
  },
});
