import { showJson } from "../formats/json.ts";
import { CONFIG_FILE } from "../formats/peft-folder/files.ts";
import { isLoraLike } from "../formats/peft-folder/lora-like-config.ts";
import type { ChangingField, PeftConfig } from "../formats/peft-folder/read-config.ts";
import { methodOfKey, type ShownMethod } from "./shown-method.ts";
import { activatedVariant, type Variant } from "./variants.ts";

/** Fields that promise tensors; the tensors decide which variant it is. */
const PROMISING = ["use_dora", "trainable_token_indices", "lora_bias", "target_parameters"] as const;
type PromisingField = (typeof PROMISING)[number];

/** The variant that each other field of a PEFT config makes. */
const BY_FIELD: Readonly<Record<Exclude<ChangingField, PromisingField>, Variant>> = {
  layer_replication: {
    id: "layer_replication",
    text: "belongs to a base whose layers are replicated (layer_replication), so no other adapter's layers match; retrain it on the plain base.",
  },
  alora_invocation_tokens: activatedVariant("alora_invocation_tokens"),
  use_qalora: {
    id: "other_method",
    text: "is a QA-LoRA adapter (use_qalora), whose A acts on pooled inputs; retrain it as plain LoRA.",
  },
  use_bdlora: {
    id: "other_method",
    text: "is a block-diagonal LoRA (use_bdlora), whose factors are blocks; retrain it as plain LoRA.",
  },
  enable_lora: {
    id: "other_method",
    text: "is a MergedLinear adapter of 2023 (enable_lora), whose grouped B has no product B A; retrain it with current PEFT.",
  },
  arrow_config: {
    id: "other_method",
    text: "is an Arrow router over adapters (arrow_config); merge the adapters that it routes to.",
  },
  velora_config: {
    id: "other_method",
    text: "is a VeLoRA variant (velora_config), whose factors may mean something else; retrain it as plain LoRA.",
  },
  monteclora_config: {
    id: "other_method",
    text: "is a MonteCLoRA variant (monteclora_config), whose factors are sampled; retrain it as plain LoRA.",
  },
  kasa_config: {
    id: "other_method",
    text: "is a KaSA variant (kasa_config), whose delta is more than B A; retrain it as plain LoRA.",
  },
};

/** The variants that a PEFT config shows, except DoRA, biases, token rows and parameters, which take the tensors. */
export function configVariants({ changes, changedBase }: PeftConfig): Variant[] {
  const variants = changes.flatMap((field) => (isPromise(field) ? [] : [BY_FIELD[field]]));
  if (changedBase === null) return variants;
  const text = `was trained against a base changed by its ${changedBase} initialisation; convert it to plain LoRA with the adapter as it was before training (lora-lego convert --from-init), or save it again with PEFT (save_pretrained with path_initial_model_for_weight_conversion).`;
  return [...variants, { id: "changed_base", text }];
}

function isPromise(field: ChangingField): field is PromisingField {
  return (PROMISING as readonly string[]).includes(field);
}

/** An adapter without a config, of a method whose tensors are no LoRA of any kind; null where the names do not show one. */
export function foreignVariant(keys: Iterable<string>): Variant | null {
  for (const key of keys) {
    const method = methodOfKey(key);
    if (method === null || method === "LORA" || isLoraLike(method)) continue;
    const text = `is an adapter of a PEFT method other than LoRA (tensor ${key}), which is not plain LoRA, so its units cannot be merged; pass a LoRA adapter.`;
    return { id: "other_method", method, text };
  }
  return null;
}

/** An adapter whose config is that of one method, and whose tensors are those of another, so that PEFT reads none of them. */
export function mistakenVariant(method: string, { method: shown, key }: ShownMethod): Variant {
  return {
    id: "incomplete",
    of: "other_method",
    method,
    text: `has peft_type ${showJson(method)} in its config, but tensors of peft_type ${showJson(shown)} (such as ${key}) and none of its own; pass the ${CONFIG_FILE} that was saved with them.`,
  };
}

/**
 * Factors of parameters whose names are not certain.
 *
 * @param count how many parameters of the layer have factors
 * @param stated what target_parameters says of that layer
 */
export function parameterVariant(layer: string, count: number, stated: readonly string[]): Variant {
  const what = count === 1 ? "has factors of a parameter" : `has factors of ${count} parameters`;
  const text =
    stated.length === 0
      ? `${what} of ${layer}, but its config has no target_parameters, which says ${count === 1 ? "which one" : "which ones"}; add it to the config, such as ["${layer.split(".").slice(-2).join(".")}.down_proj"].`
      : `${what} of ${layer}, and its target_parameters name ${stated.join(", ")} there, so it is not certain which factors belong to which; train one adapter for each of them.`;
  return { id: "target_parameters", text };
}
