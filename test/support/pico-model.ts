import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeModel } from "./models.ts";

/** Write a base model of one layer, for tests that score with a fake llama.cpp. @returns its folder, and modules for adapters */
export function writePicoModel(folder: string): {
  readonly base: string;
  readonly layer: string;
  readonly key: string;
} {
  const layer = "model.layers.0.self_attn.v_proj";
  const key = "model.layers.0.mlp.down_proj";
  const base = writeModel(join(folder, "base"), [
    {
      "model.embed_tokens.weight": [[1, 2]],
      [`${layer}.weight`]: [[1, 2]],
      [`${key}.weight`]: [
        [1, 2],
        [3, 4],
      ],
    },
  ]);
  writeFileSync(
    join(base, "config.json"),
    JSON.stringify({
      model_type: "llama",
      hidden_size: 2,
      num_attention_heads: 1,
      num_hidden_layers: 1,
      intermediate_size: 2,
      max_position_embeddings: 64,
      rms_norm_eps: 1e-5,
      vocab_size: 1,
      tie_word_embeddings: true,
    }),
  );
  writeFileSync(
    join(base, "tokenizer.json"),
    JSON.stringify({ pre_tokenizer: { type: "ByteLevel" }, model: { type: "BPE", vocab: { a: 0 }, merges: [] } }),
  );
  return { base, layer, key };
}
