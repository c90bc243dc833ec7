import { RefusedError } from "../core/errors.ts";

/**
 * What makes an adapter more than a plain LoRA. "incomplete" replaces another variant where the file lacks what that needs.
 * "other_method" means tensors that are not factors at all, or factors whose product is not the delta.
 */
export type VariantId =
  | "dora"
  | "lora_bias"
  | "alora"
  | "target_parameters"
  | "token_indices"
  | "layer_replication"
  | "changed_base"
  | "incomplete"
  | "other_method";

/** What merges carry besides deltas. */
export const MERGED_VARIANTS: readonly VariantId[] = ["lora_bias", "token_indices", "alora"];

/** One thing that makes an adapter more than a plain LoRA. */
export interface Variant {
  readonly id: VariantId;
  /** The rest of a sentence that begins with the adapter's name: what it is, and what to do instead of merging it. */
  readonly text: string;
  /** peft_type, for an adapter of another PEFT method. */
  readonly method?: string;
  /** For an incomplete one: the variant that it claims to be. */
  readonly of?: VariantId;
}

/**
 * Refuse an adapter that is more than the deltas of its modules.
 *
 * @param applied what the caller can apply besides deltas
 * @throws RefusedError for the first variant that is not among them
 */
export function refuseVariants(
  { name, variants }: { readonly name: string; readonly variants: readonly Variant[] },
  applied: readonly VariantId[] = [],
): void {
  const other = variants.find(({ id }) => !applied.includes(id));
  if (other !== undefined) throw new RefusedError(`${name} ${other.text}`);
}

/** An activated LoRA. @param said the field or tensor that shows it */
export function activatedVariant(said: string): Variant {
  return {
    id: "alora",
    text: `is an activated LoRA (${said}), which acts only after certain tokens, as only PEFT's folders and GGUF files say; keep it in one of these, and merge it with adapters of the same tokens.`,
  };
}
