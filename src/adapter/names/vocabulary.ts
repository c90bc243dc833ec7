/**
 * Names of a language model's input embedding in transformers (with T5's and Mamba's), Meta's releases, mlx-lm and llama.cpp, and names of
 * its head. These are names of modules, without .weight.
 */
const EMBEDDING =
  /(^|\.)(embed_tokens|wte|word_embeddings|embed_in|tok_embeddings|token_embd|shared|backbone\.embeddings?)$/;
/** A head is outside the layers, which have parts called output too. */
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

/** Whether a module looks up rows, of tokens or positions. Where only the name tells, its LoRA is read as an embedding's. */
export function isTableName(name: string): boolean {
  return isEmbeddingName(name) || POSITIONS.test(name);
}
