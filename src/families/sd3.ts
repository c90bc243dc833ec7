import { defineFamily, type Family, split, swapped } from "./family.ts";

/** Stable Diffusion 3 and 3.5. The last block has a short modulation of the text, whose halves diffusers swaps. */
export const SD3: Family = defineFamily({
  id: "sd3",
  title: "Stable Diffusion 3",
  sizes: [
    { width: 1536, blocks: { joint_blocks: 24 } },
    { width: 2432, blocks: { joint_blocks: 38 } },
  ],
  said: /sd3|stable-diffusion-3/i,
  networkModule: "networks.lora_sd3",
  weights: {
    "joint_blocks.#.x_block.{attn,attn2}.qkv": split({
      q: "transformer_blocks.#.{attn,attn2}.to_q",
      k: "transformer_blocks.#.{attn,attn2}.to_k",
      v: "transformer_blocks.#.{attn,attn2}.to_v",
    }),
    "joint_blocks.#.context_block.attn.qkv": split({
      q: "transformer_blocks.#.attn.add_q_proj",
      k: "transformer_blocks.#.attn.add_k_proj",
      v: "transformer_blocks.#.attn.add_v_proj",
    }),
    "joint_blocks.#.x_block.{attn,attn2}.proj": "transformer_blocks.#.{attn,attn2}.to_out.0",
    "joint_blocks.#.context_block.attn.proj": "transformer_blocks.#.attn.to_add_out",
    "joint_blocks.#.{x_block,context_block}.mlp.{fc1,fc2}": "transformer_blocks.#.{ff,ff_context}.net.{0.proj,2}",
    "joint_blocks.#.x_block.adaLN_modulation.1": "transformer_blocks.#.norm1.linear",
    "joint_blocks.#.context_block.adaLN_modulation.1": swapped("transformer_blocks.#.norm1_context.linear", "short"),
    "x_embedder.proj": "pos_embed.proj",
    context_embedder: "context_embedder",
    "{t_embedder,y_embedder}.mlp.{0,2}": "time_text_embed.{timestep_embedder,text_embedder}.{linear_1,linear_2}",
    "final_layer.linear": "proj_out",
    "final_layer.adaLN_modulation.1": swapped("norm_out.linear"),
  },
});
