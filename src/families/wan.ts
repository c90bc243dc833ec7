import { defineFamily, type Family } from "./family.ts";

/** Wan 2.1 and 2.2, text and image to video, with VACE's blocks. */
export const WAN: Family = defineFamily({
  id: "wan",
  title: "Wan",
  sizes: [
    { width: 1536, blocks: { blocks: 30 } },
    { width: 3072, blocks: { blocks: 30 } },
    { width: 5120, blocks: { blocks: 40 } },
  ],
  said: /wan/i,
  networkModule: "networks.lora_wan",
  weights: {
    "blocks.#.{self_attn,cross_attn}.{q,k,v,o}": "blocks.#.{attn1,attn2}.{to_q,to_k,to_v,to_out.0}",
    "blocks.#.cross_attn.{k_img,v_img}": "blocks.#.attn2.{add_k_proj,add_v_proj}",
    "blocks.#.ffn.{0,2}": "blocks.#.ffn.net.{0.proj,2}",
    "vace_blocks.#.{self_attn,cross_attn}.{q,k,v,o}": "vace_blocks.#.{attn1,attn2}.{to_q,to_k,to_v,to_out.0}",
    "vace_blocks.#.ffn.{0,2}": "vace_blocks.#.ffn.net.{0.proj,2}",
    "vace_blocks.#.{before_proj,after_proj}": "vace_blocks.#.{proj_in,proj_out}",
    "{patch_embedding,vace_patch_embedding}": "{patch_embedding,vace_patch_embedding}",
    "{text_embedding,time_embedding}.{0,2}": "condition_embedder.{text_embedder,time_embedder}.{linear_1,linear_2}",
    "time_projection.1": "condition_embedder.time_proj",
    "img_emb.proj.{1,3}": "condition_embedder.image_embedder.ff.net.{0.proj,2}",
    "head.head": "proj_out",
  },
});
