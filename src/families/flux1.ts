import { type BlockNotes, numbered } from "./blocks.ts";
import { defineFamily, type Family, split, swapped, type WeightTable } from "./family.ts";

/** The attention of double blocks in all models built on Flux's code, by its names there and in diffusers. */
export const FLUX_ATTENTION: WeightTable = {
  "double_blocks.#.img_attn.qkv": split({
    q: "transformer_blocks.#.attn.to_q",
    k: "transformer_blocks.#.attn.to_k",
    v: "transformer_blocks.#.attn.to_v",
  }),
  "double_blocks.#.txt_attn.qkv": split({
    q: "transformer_blocks.#.attn.add_q_proj",
    k: "transformer_blocks.#.attn.add_k_proj",
    v: "transformer_blocks.#.attn.add_v_proj",
  }),
  "double_blocks.#.{img_attn,txt_attn}.proj": "transformer_blocks.#.attn.{to_out.0,to_add_out}",
};

/** The blocks of Flux.1, which Chroma and HunyuanVideo share. */
export const FLUX_BLOCKS: WeightTable = {
  ...FLUX_ATTENTION,
  "double_blocks.#.{img_mlp,txt_mlp}.{0,2}": "transformer_blocks.#.{ff,ff_context}.net.{0.proj,2}",
  "single_blocks.#.linear1": split({
    q: "single_transformer_blocks.#.attn.to_q",
    k: "single_transformer_blocks.#.attn.to_k",
    v: "single_transformer_blocks.#.attn.to_v",
    mlp: "single_transformer_blocks.#.proj_mlp",
  }),
  "single_blocks.#.linear2": "single_transformer_blocks.#.proj_out",
};

/** Modulations of each block. */
export const FLUX_MODULATIONS: WeightTable = {
  "double_blocks.#.{img_mod,txt_mod}.lin": "transformer_blocks.#.{norm1,norm1_context}.linear",
  "single_blocks.#.modulation.lin": "single_transformer_blocks.#.norm.linear",
};

/** Rows of B for each column of A. */
export const FLUX_RATIOS: Readonly<Record<string, number>> = {
  "double_blocks.#.img_mlp.0": 4,
  "double_blocks.#.txt_mlp.0": 4,
  "double_blocks.#.img_mlp.2": 1 / 4,
  "double_blocks.#.txt_mlp.2": 1 / 4,
  "single_blocks.#.linear1": 7,
  "single_blocks.#.linear2": 1 / 5,
};

const DOUBLE_AND_SINGLE = [...numbered("D", 0, 18), ...numbered("S", 0, 37)];

/** As sd-webui-lora-block-weight writes them, and without the four around the blocks. */
export const FLUX_BLOCK_NOTES: BlockNotes = {
  names: {
    "double_blocks.#": ["D#"],
    "single_blocks.#": ["S#"],
    img_in: ["IN"],
    txt_in: ["IN"],
    time_in: ["IN"],
    vector_in: ["IN"],
    guidance_in: ["IN"],
    final_layer: ["OUT"],
  },
  lists: [DOUBLE_AND_SINGLE, ["CLIP", "T5", "IN", ...DOUBLE_AND_SINGLE, "OUT"]],
  unlisted: 1,
};

export const FLUX1: Family = defineFamily({
  id: "flux1",
  title: "Flux.1",
  sizes: [{ width: 3072, blocks: { double_blocks: 19, single_blocks: 38 } }],
  ratios: FLUX_RATIOS,
  said: /flux-?1/i,
  networkModule: "networks.lora_flux",
  blocks: FLUX_BLOCK_NOTES,
  weights: {
    ...FLUX_BLOCKS,
    ...FLUX_MODULATIONS,
    "{img_in,txt_in}": "{x_embedder,context_embedder}",
    "{time_in,vector_in,guidance_in}.{in_layer,out_layer}":
      "time_text_embed.{timestep_embedder,text_embedder,guidance_embedder}.{linear_1,linear_2}",
    "final_layer.linear": "proj_out",
    "final_layer.adaLN_modulation.1": swapped("norm_out.linear"),
  },
  // XLabs' attention processors; their qkv_lora of single blocks is a part of linear1, which the dialect cuts.
  processors: {
    "double_blocks.#.{img_attn.qkv,img_attn.proj,txt_attn.qkv,txt_attn.proj}":
      "double_blocks.#.processor.{qkv_lora1,proj_lora1,qkv_lora2,proj_lora2}",
    "single_blocks.#.linear2": "single_blocks.#.processor.proj_lora",
  },
});
