/**
 * What the input embedding of a language model is called in transformers (with T5's and Mamba's), Meta's releases, mlx-lm and llama.cpp;
 * and its head. Of modules, without .weight.
 */
const EMBEDDING =
  /(^|\.)(embed_tokens|wte|word_embeddings|embed_in|tok_embeddings|token_embd|shared|backbone\.embeddings?)$/;
/** A head lies beside the layers: layers have parts called output too. */
const HEAD = /^(?!.*\.\d+\.)(?:.*\.)?(?:lm_head|embed_out|output_layer|output)$/;
const POSITIONS = /(^|\.)(wpe|position_embd)$/;

/** Whether a module looks tokens up. */
export function isEmbeddingName(name: string): boolean {
  return EMBEDDING.test(name);
}

/** Whether a module scores tokens. */
export function isHeadName(name: string): boolean {
  return HEAD.test(name);
}

/** Whether a module looks rows up, of tokens or of positions: where nothing but the name tells, its LoRA is that of an embedding. */
export function isTableName(name: string): boolean {
  return isEmbeddingName(name) || POSITIONS.test(name);
}
