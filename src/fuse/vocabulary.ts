import { isEmbeddingName, isHeadName } from "../adapter/names/vocabulary.ts";
import type { BaseConfig } from "./base-config.ts";
import type { BaseModel } from "./base-model.ts";

const WEIGHT = ".weight";

/** Input embeddings of language models, and what transformers calls the head of each. */
const HEADS: readonly (readonly [embedding: RegExp, head: string])[] = [
  [/^model\.(?:language_model|text_model|decoder)\.embed_tokens\.weight$/, "lm_head.weight"],
  [/^(.*\.)?model\.embed_tokens\.weight$/, "$1lm_head.weight"],
  [/^(.*\.)?transformer\.(?:wte|word_embeddings)\.weight$/, "$1lm_head.weight"],
  [/^backbone\.embeddings?\.weight$/, "lm_head.weight"],
  [/^gpt_neox\.embed_in\.weight$/, "embed_out.weight"],
];

/** Whether a tensor is the weight of a language model's head. */
export function isHead(path: string): boolean {
  return path.endsWith(WEIGHT) && isHeadName(path.slice(0, -WEIGHT.length));
}

/** The bias of a head. */
export function biasOf(head: string): string {
  return head.replace(/weight$/, "bias");
}

/** A base's two tensors with one row per token. */
export interface Vocabulary {
  /** Name of the input embedding; null where none is recognised. */
  readonly embedding: string | null;
  /** Name of the head's tensor, whether or not the base stores it; null where it is unknown. */
  readonly head: string | null;
  /** Whether head and embedding are one tensor. */
  readonly tied: boolean;
}

/** The embedding and the head of a base, by their names. */
export function vocabularyOf({ tensors }: BaseModel, config: BaseConfig | null): Vocabulary {
  const embeddings = [...tensors.keys()].filter(
    (name) => name.endsWith(WEIGHT) && isEmbeddingName(name.slice(0, -WEIGHT.length)),
  );
  const [embedding = null] = [...embeddings.filter((name) => headOf(name) !== null), ...embeddings];
  const tied = config?.tied === true && config.headed && embedding !== null;
  // Where encoder and decoder share an embedding, a separate head changes more than its values (T5 scales its input).
  const parts = embedding === null || (tied && config.encoderDecoder) ? null : headOf(embedding);
  return { embedding, head: parts, tied };
}

function headOf(embedding: string): string | null {
  const found = HEADS.find(([pattern]) => pattern.test(embedding));
  return found === undefined ? null : embedding.replace(found[0], found[1]);
}
