import { RefusedError } from "../../core/errors.ts";
import { hasPeftPrefix, PEFT_PREFIX } from "../../formats/peft-folder/keys.ts";
import { adapterInKey, withoutWrappers } from "../../formats/peft-folder/wrapped-keys.ts";
import type { Notice, TensorRef } from "../read-adapter.ts";

/** An adapter's tensors under the names that PEFT would save. */
export interface Unwrapped {
  readonly tensors: ReadonlyMap<string, TensorRef>;
  readonly notices: readonly Notice[];
}

/**
 * Remove what wrappers of a model left in the names of an adapter's tensors.
 *
 * @param name of the adapter, for messages
 * @throws RefusedError where two names become equal, or names belong to several adapters
 */
export function unwrapped(name: string, tensors: ReadonlyMap<string, TensorRef>): Unwrapped {
  const adapters = new Set([...tensors.keys()].flatMap((key) => adapterInKey(key) ?? []));
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
        `${name}: ${twin} and ${key} are both ${own} without what wrappers added to the names; remove the one that does not belong to the adapter.`,
      );
    }
    stored.set(own, key);
    found.set(own, own === key ? tensor : { ...tensor, name: own });
    if (own !== key) example ??= `${key} is ${own}`;
  }
  if (example === null) return { tensors, notices: [] };
  const text = `${name} was saved from a wrapped model; lora-lego removes what wrappers added to its tensor names (${example}), but other programs may load none of it.`;
  return { tensors: found, notices: [{ id: "wrapped-names", text }] };
}

/**
 * Add PEFT's prefix where all tensors lack it, as in a model that PEFT's layers were injected into.
 *
 * @param name of the adapter, for messages
 */
export function prefixed(name: string, tensors: ReadonlyMap<string, TensorRef>): Unwrapped {
  const keys = [...tensors.keys()];
  if (keys.length === 0 || keys.some(hasPeftPrefix)) return { tensors, notices: [] };
  const text = `${name} names its tensors without ${PEFT_PREFIX} (such as ${keys[0]}); they are read as if they had it, but PeftModel.from_pretrained loads none of them.`;
  const whole = Array.from(tensors, ([key, tensor]): [string, TensorRef] => {
    const own = PEFT_PREFIX + key;
    return [own, { ...tensor, name: own }];
  });
  return { tensors: new Map(whole), notices: [{ id: "bare-names", text }] };
}
