import { defineFamily, type Family } from "./family.ts";

export const LTX: Family = defineFamily({
  id: "ltx",
  title: "LTX-Video",
  sizes: [
    { width: 2048, blocks: { transformer_blocks: 28 } },
    { width: 4096, blocks: { transformer_blocks: 48 } },
  ],
  said: /ltx/i,
  weights: {
    "transformer_blocks.#.{attn1,attn2}.{to_q,to_k,to_v,to_out.0}":
      "transformer_blocks.#.{attn1,attn2}.{to_q,to_k,to_v,to_out.0}",
    "transformer_blocks.#.ff.net.{0.proj,2}": "transformer_blocks.#.ff.net.{0.proj,2}",
    "caption_projection.{linear_1,linear_2}": "caption_projection.{linear_1,linear_2}",
    "adaln_single.emb.timestep_embedder.{linear_1,linear_2}": "time_embed.emb.timestep_embedder.{linear_1,linear_2}",
    "adaln_single.linear": "time_embed.linear",
    patchify_proj: "proj_in",
    proj_out: "proj_out",
  },
});
