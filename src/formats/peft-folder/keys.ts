/** Every key of a PEFT file starts with this. */
export const PEFT_PREFIX = "base_model.model.";

const FACTOR = /^(.+)\.lora_(?:(embedding)_([AB])|([AB])\.weight)$/;
const BIAS = ".lora_B.bias";

export function hasPeftPrefix(key: string): boolean {
  return key.startsWith(PEFT_PREFIX);
}

/** A PEFT key without the prefix, which is the base model's name of the tensor; other names stay as they are. */
export function withoutPeftPrefix(key: string): string {
  return hasPeftPrefix(key) ? key.slice(PEFT_PREFIX.length) : key;
}

/** A key with its name replaced, keeping the prefix if it has one. */
export function renamedKey(key: string, rename: (name: string) => string): string {
  return hasPeftPrefix(key) ? `${PEFT_PREFIX}${rename(withoutPeftPrefix(key))}` : rename(key);
}

/** Whether a key is one of PEFT's, complete or not. */
export function isPeftKey(key: string): boolean {
  return hasPeftPrefix(key) || /\.lora_(embedding_)?[AB](\.weight)?$/.test(key);
}

/** The factor that a key names, and the path of its module with the prefix; null for other tensors. */
export function parseFactorKey(
  key: string,
): { readonly path: string; readonly half: "a" | "b"; readonly embedding: boolean } | null {
  const match = FACTOR.exec(key);
  if (match === null) return null;
  return { path: match[1]!, half: (match[3] ?? match[4]) === "A" ? "a" : "b", embedding: match[2] !== undefined };
}

/** The path of the module that a bias next to B (lora_bias) belongs to; null for other tensors. */
export function pathOfBias(key: string): string | null {
  return key.endsWith(BIAS) ? key.slice(0, -BIAS.length) : null;
}

/** The key of a bias next to B. */
export function biasKey(path: string): string {
  return `${path}${BIAS}`;
}
