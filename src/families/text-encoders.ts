import { defineFamily, type Family } from "./family.ts";

const ENCODERS = ["text_encoder", "text_encoder_2", "text_encoder_3"];

/** CLIP as transformers names its modules. */
export const CLIP: Family = defineFamily({
  id: "clip",
  title: "CLIP",
  components: ENCODERS,
  weights: same(
    "text_model.encoder.layers.#.self_attn.{q_proj,k_proj,v_proj,out_proj}",
    "text_model.encoder.layers.#.mlp.{fc1,fc2}",
    "text_model.embeddings.{token_embedding,position_embedding}",
    "text_projection",
  ),
});

/** T5, likewise; diffusers loads no LoRA of it. */
export const T5: Family = defineFamily({
  id: "t5",
  title: "T5",
  components: ENCODERS,
  weights: same(
    "encoder.block.#.layer.#.SelfAttention.{q,k,v,o}",
    "encoder.block.#.layer.#.DenseReluDense.{wi,wi_0,wi_1,wo}",
    "shared",
  ),
});

function same(...paths: readonly string[]): Record<string, string> {
  return Object.fromEntries(paths.map((path) => [path, path]));
}
