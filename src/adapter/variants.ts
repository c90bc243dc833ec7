import { RefusedError } from "../core/errors.ts";

/**
 * What an adapter may be beside a plain LoRA. "incomplete" stands in the place of another where the file lacks what that takes;
 * "other_method" is one whose tensors are no factors at all, or factors whose product is not its delta.
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

/** Something that an adapter is beside a plain LoRA. */
export interface Variant {
  readonly id: VariantId;
  /** The rest of a sentence that begins with the adapter's name: what it is, and what to do instead of merging it. */
  readonly text: string;
  /** peft_type, of an adapter of another method of PEFT. */
  readonly method?: string;
  /** Of an incomplete one: what it says that it is. */
  readonly of?: VariantId;
}

/**
 * Refuse an adapter that is more than the deltas of its modules.
 *
 * @param applied what the caller can apply beside deltas
 * @throws RefusedError for the first variant that is not among them
 */
export function refuseVariants(
  { name, variants }: { readonly name: string; readonly variants: readonly Variant[] },
  applied: readonly VariantId[] = [],
): void {
  const other = variants.find(({ id }) => !applied.includes(id));
  if (other !== undefined) throw new RefusedError(`${name} ${other.text}`);
}

/** An activated LoRA. @param said what shows it */
export function activatedVariant(said: string): Variant {
  return {
    id: "alora",
    text: `is an activated LoRA (${said}), which acts only after certain tokens; a merged LoRA acts on all, so serve it by itself.`,
  };
}
