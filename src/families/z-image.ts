import { numbered } from "./blocks.ts";
import { defineFamily, type Family, split } from "./family.ts";

export const Z_IMAGE: Family = defineFamily({
  id: "z-image",
  title: "Z-Image",
  sizes: [{ width: 3840, blocks: { layers: 30 } }],
  ratios: {
    "layers.#.attention.qkv": 3,
    "noise_refiner.#.attention.qkv": 3,
    "context_refiner.#.attention.qkv": 3,
  },
  said: /z-?image/i,
  networkModule: "networks.lora_zimage",
  // As sd-webui-lora-block-weight writes them.
  blocks: { names: { "layers.#": ["J#"] }, lists: [numbered("J", 0, 29)], unlisted: 1 },
  weights: {
    "{layers,noise_refiner,context_refiner}.#.attention.qkv": split({
      q: "{layers,noise_refiner,context_refiner}.#.attention.to_q",
      k: "{layers,noise_refiner,context_refiner}.#.attention.to_k",
      v: "{layers,noise_refiner,context_refiner}.#.attention.to_v",
    }),
    "{layers,noise_refiner,context_refiner}.#.attention.out":
      "{layers,noise_refiner,context_refiner}.#.attention.to_out.0",
    "{layers,noise_refiner,context_refiner}.#.feed_forward.{w1,w2,w3}":
      "{layers,noise_refiner,context_refiner}.#.feed_forward.{w1,w2,w3}",
    "{layers,noise_refiner}.#.adaLN_modulation.0": "{layers,noise_refiner}.#.adaLN_modulation.0",
    "t_embedder.mlp.{0,2}": "t_embedder.mlp.{0,2}",
    "cap_embedder.1": "cap_embedder.1",
    x_embedder: "all_x_embedder.2-1",
    "final_layer.{linear,adaLN_modulation.1}": "all_final_layer.2-1.{linear,adaLN_modulation.1}",
  },
});
