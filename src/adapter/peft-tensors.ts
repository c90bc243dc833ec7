import {
  isLayerBias,
  isOfBase,
  pathOfBaseCopy,
  pathOfMagnitude,
  pathOfTokens,
  savedKey,
} from "../formats/peft-folder/inner-keys.ts";
import { pathOfBias } from "../formats/peft-folder/keys.ts";
import type { PeftConfig } from "../formats/peft-folder/read-config.ts";
import type { TensorRef } from "./read-adapter.ts";
import type { Variant } from "./variants.ts";

/** What a PEFT file holds besides its factors. */
export interface Beside {
  readonly extras: ReadonlyMap<string, TensorRef>;
  readonly ignored: readonly string[];
  /** The base's embeddings among them, by module. */
  readonly baseCopies: ReadonlyMap<string, TensorRef>;
  /** Magnitudes of DoRA and trained token rows, by module. */
  readonly magnitudes: ReadonlyMap<string, TensorRef>;
  readonly tokens: ReadonlyMap<string, TensorRef>;
  /** Biases next to B, by module. */
  readonly biases: ReadonlyMap<string, TensorRef>;
  /** Tensors that make it more than a plain LoRA, and the resulting variants. */
  readonly others: ReadonlyMap<string, TensorRef>;
  readonly variants: readonly Variant[];
  /** Two tensors, one from modules_to_save, that are kept under the same name, so they must hold the same bytes. */
  readonly copies: readonly (readonly [TensorRef, TensorRef])[];
}

/**
 * Sort the tensors besides the factors into trained ones and copies of the base's. A layer's own bias (base_layer.bias) is a copy
 * unless biases were trained.
 *
 * @param moduleOf the module of a path with PEFT's prefix
 */
export function sortBeside(
  tensors: readonly TensorRef[],
  { bias }: Pick<PeftConfig, "bias">,
  moduleOf: (path: string) => string,
): Beside {
  const extras = new Map<string, TensorRef>();
  const magnitudes = new Map<string, TensorRef>();
  const tokens = new Map<string, TensorRef>();
  const biases = new Map<string, TensorRef>();
  const others = new Map<string, TensorRef>();
  const ignored: string[] = [];
  const baseCopies = new Map<string, TensorRef>();
  const trained: [string, TensorRef][] = [];
  for (const tensor of tensors) {
    const key = tensor.name;
    const magnitude = pathOfMagnitude(key);
    const rows = pathOfTokens(key);
    const biased = pathOfBias(key);
    const saved = savedKey(key);
    const ownBias = bias !== "none" && isLayerBias(key);
    if (magnitude !== null) magnitudes.set(moduleOf(magnitude), tensor);
    else if (rows !== null) tokens.set(moduleOf(rows), tensor);
    else if (biased !== null) biases.set(moduleOf(biased), tensor);
    else if (/\.lora_[a-z]/i.test(key)) others.set(key, tensor);
    else if (isOfBase(key) && !ownBias) {
      ignored.push(key);
      const copied = pathOfBaseCopy(key);
      if (copied !== null) baseCopies.set(moduleOf(copied), tensor);
    } else if (saved !== null) trained.push([saved, tensor]);
    else extras.set(key, tensor);
  }
  const copies: [TensorRef, TensorRef][] = [];
  for (const [key, tensor] of trained) {
    const plain = extras.get(key);
    if (plain !== undefined) copies.push([tensor, plain]);
    extras.set(key, tensor);
  }
  return {
    extras,
    ignored,
    baseCopies,
    magnitudes,
    tokens,
    biases,
    others,
    variants: variantsOf(others),
    copies,
  };
}

function variantsOf(others: ReadonlyMap<string, TensorRef>): Variant[] {
  const [other] = others.keys();
  return other === undefined ? [] : [strange(other)];
}

function strange(key: string): Variant {
  return {
    id: "other_method",
    text: `holds the tensor ${key}, which is not part of a plain LoRA adapter; save the adapter with PEFT's save_pretrained.`,
  };
}
