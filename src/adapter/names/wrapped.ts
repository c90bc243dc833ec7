import { RefusedError } from "../../core/errors.ts";
import type { Notice, TensorRef } from "../adapter.ts";

/** Every key of a PEFT file starts with this. */
export const PEFT_PREFIX = "base_model.model.";

/** A key of a PEFT file without that, as the base model calls the tensor; other names stay as they are. */
export function withoutPeftPrefix(key: string): string {
  return key.startsWith(PEFT_PREFIX) ? key.slice(PEFT_PREFIX.length) : key;
}

/** Segments that torch.compile, FSDP and checkpointed activations put into the names of what they wrap. */
const WRAPPERS = new Set(["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"]);
/** What DDP and DeepSpeed put before PEFT's prefix, and that prefix again where a PEFT model was wrapped twice. */
const BEFORE = /^(?:module\.)*(?:base_model\.model\.)+/;
/** The adapter's name inside of a key, which PEFT itself leaves out when it saves. */
const ADAPTER =
  /(\.(?:lora_[AB]|lora_magnitude_vector))\.([^.]+)(?=\.(?:weight|bias)$)|(\.(?:lora_embedding_[AB]|lora_magnitude_vector|trainable_tokens_delta))\.((?!weight$)[^.]+)$/;

/** An adapter's tensors under the names that saving it properly gives. */
export interface Unwrapped {
  readonly tensors: ReadonlyMap<string, TensorRef>;
  readonly notices: readonly Notice[];
}

/**
 * Take away what wrappers of a model left in the names of an adapter's tensors.
 *
 * @param name of the adapter, for messages
 * @throws RefusedError where two names fall together, or belong to several adapters
 */
export function unwrapped(name: string, tensors: ReadonlyMap<string, TensorRef>): Unwrapped {
  const adapters = new Set([...tensors.keys()].flatMap((key) => adapterIn(key) ?? []));
  if (adapters.size > 1) {
    throw new RefusedError(
      `${name} holds several adapters in one file (${[...adapters].sort().join(", ")} in the names of its tensors); save each by itself with save_pretrained(selected_adapters=[...]).`,
    );
  }
  const found = new Map<string, TensorRef>();
  const stored = new Map<string, string>();
  let example: string | null = null;
  for (const [key, tensor] of tensors) {
    const own = withoutWrappers(key);
    const twin = stored.get(own);
    if (twin !== undefined) {
      throw new RefusedError(
        `${name}: ${twin} and ${key} are both ${own} without what wrappers added to the names; remove the one that is not the adapter's.`,
      );
    }
    stored.set(own, key);
    found.set(own, own === key ? tensor : { ...tensor, name: own });
    if (own !== key) example ??= `${key} is ${own}`;
  }
  if (example === null) return { tensors, notices: [] };
  const text = `${name} was saved from a wrapped model; what wrappers added to the names of its tensors is taken away (${example}), but other programs may load nothing of it.`;
  return { tensors: found, notices: [{ id: "wrapped-names", text }] };
}

function adapterIn(key: string): string | null {
  const match = ADAPTER.exec(key);
  return match === null ? null : (match[2] ?? match[4])!;
}

function withoutWrappers(key: string): string {
  const plain = key
    .split(".")
    .filter((segment) => !WRAPPERS.has(segment))
    .join(".");
  return plain.replace(BEFORE, PEFT_PREFIX).replace(ADAPTER, "$1$3");
}

/**
 * Tensors that all lack PEFT's prefix, as a model saves them that PEFT's layers were injected into, with it.
 *
 * @param name of the adapter, for messages
 */
export function prefixed(name: string, tensors: ReadonlyMap<string, TensorRef>): Unwrapped {
  const keys = [...tensors.keys()];
  if (keys.length === 0 || keys.some((key) => key.startsWith(PEFT_PREFIX))) return { tensors, notices: [] };
  const text = `${name} names its tensors without ${PEFT_PREFIX} (as ${keys[0]}); they are read as if they had it, but PeftModel.from_pretrained loads nothing of it.`;
  const whole = Array.from(tensors, ([key, tensor]): [string, TensorRef] => {
    const own = PEFT_PREFIX + key;
    return [own, { ...tensor, name: own }];
  });
  return { tensors: new Map(whole), notices: [{ id: "bare-names", text }] };
}
