import { PEFT_PREFIX } from "./keys.ts";

/**
 * What PEFT puts into the keys of layers that it wraps: base_layer is the base's own layer, original_module the base's copy of a module
 * that is trained whole (modules_to_save).
 */
const OF_BASE = /\.(original_module|base_layer)\./;
const BASE_LAYER = ".base_layer.";
const BASE_COPY = /^(.+?)(?:\.token_adapter)?\.base_layer\.weight$/;
const NESTED = /(\.base_layer)+$/;
const SAVED = /\.modules_to_save(?:\.default)?\./;
const BIAS = /^(.+?)(?:\.base_layer)?\.bias$/;
const MAGNITUDE = /^(.+)\.lora_magnitude_vector(?:\.weight)?$/;
const TOKENS = /^(.+)\.token_adapter\.trainable_tokens_delta$/;

/** Whether a key names a tensor of the base, which PEFT saved along: in a wrapped layer, or the original of a trained module. */
export function isOfBase(key: string): boolean {
  return OF_BASE.test(key);
}

/** Whether a key names a tensor of the base in a wrapped layer. */
export function isInBaseLayer(key: string): boolean {
  return key.includes(BASE_LAYER);
}

/** Whether a key names the bias of a wrapped layer, which is trained where the config says so. */
export function isLayerBias(key: string): boolean {
  return key.endsWith(`${BASE_LAYER}bias`);
}

/** A key as the base names the tensor, outside of its wrapper. */
export function withoutBaseLayer(key: string): string {
  return key.replace(BASE_LAYER, ".");
}

/** The layer whose factors a path belongs to, and inside how many wrappers around each other (base_layer) they are. */
export function nestedIn(path: string): { readonly layer: string; readonly depth: number } {
  const layer = path.replace(NESTED, "");
  return { layer, depth: (path.length - layer.length) / ".base_layer".length };
}

/** The path of the embedding that a key holds the base's copy of; null for other tensors. */
export function pathOfBaseCopy(key: string): string | null {
  return BASE_COPY.exec(key)?.[1] ?? null;
}

/** The key of a module trained whole as the base names it: x.modules_to_save.default.weight is x.weight; null for other tensors. */
export function savedKey(key: string): string | null {
  return SAVED.test(key) ? key.replace(SAVED, ".") : null;
}

/** The path of the layer that a bias belongs to; null for other tensors. */
export function pathOfLayerBias(key: string): string | null {
  return BIAS.exec(key)?.[1] ?? null;
}

/** The path of the module that a magnitude vector of DoRA belongs to; null for other tensors. */
export function pathOfMagnitude(key: string): string | null {
  return MAGNITUDE.exec(key)?.[1] ?? null;
}

/** The path of the embedding that trained token rows belong to; null for other tensors. */
export function pathOfTokens(key: string): string | null {
  return TOKENS.exec(key)?.[1] ?? null;
}

/** The key of an embedding's trained token rows. */
export function tokensKey(embedding: string): string {
  return `${PEFT_PREFIX}${embedding}.token_adapter.trainable_tokens_delta`;
}
