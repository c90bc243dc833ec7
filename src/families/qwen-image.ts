import { defineFamily, type Family } from "./family.ts";

/** The blocks' names in the model's own code are diffusers' too. */
const SAME = [
  "transformer_blocks.#.attn.{to_q,to_k,to_v,to_out.0,add_q_proj,add_k_proj,add_v_proj,to_add_out}",
  "transformer_blocks.#.{img_mlp,txt_mlp}.net.{0.proj,2}",
  "transformer_blocks.#.{img_mod,txt_mod}.1",
  "time_text_embed.timestep_embedder.{linear_1,linear_2}",
  "{img_in,txt_in,norm_out.linear,proj_out}",
];

export const QWEN_IMAGE: Family = defineFamily({
  id: "qwen-image",
  title: "Qwen-Image",
  sizes: [{ width: 3072, blocks: { transformer_blocks: 60 } }],
  said: /qwen/i,
  networkModule: "networks.lora_qwen_image",
  weights: Object.fromEntries(SAME.map((path) => [path, path])),
});
