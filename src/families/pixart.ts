import { defineFamily, type Family, split } from "./family.ts";

/** PixArt alpha and sigma. */
export const PIXART: Family = defineFamily({
  id: "pixart",
  title: "PixArt",
  sizes: [{ width: 1152, blocks: { blocks: 28 } }],
  // The attention of Sana 0.6B and DiT, which have no table here, has these names and sizes too.
  common: /attn\./,
  said: /pixart/i,
  weights: {
    "blocks.#.attn.qkv": split({
      q: "transformer_blocks.#.attn1.to_q",
      k: "transformer_blocks.#.attn1.to_k",
      v: "transformer_blocks.#.attn1.to_v",
    }),
    "blocks.#.attn.proj": "transformer_blocks.#.attn1.to_out.0",
    "blocks.#.cross_attn.q_linear": "transformer_blocks.#.attn2.to_q",
    "blocks.#.cross_attn.kv_linear": split({
      k: "transformer_blocks.#.attn2.to_k",
      v: "transformer_blocks.#.attn2.to_v",
    }),
    "blocks.#.cross_attn.proj": "transformer_blocks.#.attn2.to_out.0",
    "blocks.#.mlp.{fc1,fc2}": "transformer_blocks.#.ff.net.{0.proj,2}",
    "x_embedder.proj": "pos_embed.proj",
    "t_embedder.mlp.{0,2}": "adaln_single.emb.timestep_embedder.{linear_1,linear_2}",
    "csize_embedder.mlp.{0,2}": "adaln_single.emb.resolution_embedder.{linear_1,linear_2}",
    "ar_embedder.mlp.{0,2}": "adaln_single.emb.aspect_ratio_embedder.{linear_1,linear_2}",
    "t_block.1": "adaln_single.linear",
    "y_embedder.y_proj.{fc1,fc2}": "caption_projection.{linear_1,linear_2}",
    "final_layer.linear": "proj_out",
  },
});
