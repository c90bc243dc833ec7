import { defineFamily, type Family, split } from "./family.ts";

/** Lumina Image 2, whose keys and values are a third as wide as its queries. */
export const LUMINA2: Family = defineFamily({
  id: "lumina2",
  title: "Lumina 2",
  sizes: [{ width: 2304, blocks: { layers: 26 } }],
  rows: { q: 3, k: 1, v: 1 },
  ratios: {
    "layers.#.attention.qkv": 5 / 3,
    "noise_refiner.#.attention.qkv": 5 / 3,
    "context_refiner.#.attention.qkv": 5 / 3,
  },
  said: /lumina/i,
  networkModule: "networks.lora_lumina",
  weights: {
    "{layers,noise_refiner,context_refiner}.#.attention.qkv": split({
      q: "{layers,noise_refiner,context_refiner}.#.attn.to_q",
      k: "{layers,noise_refiner,context_refiner}.#.attn.to_k",
      v: "{layers,noise_refiner,context_refiner}.#.attn.to_v",
    }),
    "{layers,noise_refiner,context_refiner}.#.attention.out": "{layers,noise_refiner,context_refiner}.#.attn.to_out.0",
    "{layers,noise_refiner,context_refiner}.#.feed_forward.{w1,w2,w3}":
      "{layers,noise_refiner,context_refiner}.#.feed_forward.{linear_1,linear_2,linear_3}",
    "{layers,noise_refiner}.#.adaLN_modulation.1": "{layers,noise_refiner}.#.norm1.linear",
    "t_embedder.mlp.{0,2}": "time_caption_embed.timestep_embedder.{linear_1,linear_2}",
    "cap_embedder.1": "time_caption_embed.caption_embedder.1",
    x_embedder: "x_embedder",
    "final_layer.{adaLN_modulation.1,linear}": "norm_out.{linear_1,linear_2}",
  },
});
