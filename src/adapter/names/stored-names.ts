import { spellings } from "./renamed.ts";

/** Prefixes that some checkpoints have and others lack: GPT-2 without its head has h.0, with it transformer.h.0. */
const PREFIXES = [
  "model.",
  "transformer.",
  "language_model.",
  "model.language_model.",
  "roberta.",
  "bert.",
  "distilbert.",
  "gpt_neox.",
  "model.diffusion_model.",
];

/**
 * The names in a model that a module's or tensor's name may mean: the name itself, else its names in other releases of transformers,
 * else all names with one known prefix added, removed or swapped.
 *
 * @param stored the model's own names
 * @returns none where the model lacks it; several where the names leave open which is meant
 */
export function storedNames(stored: { has(name: string): boolean }, name: string): string[] {
  if (stored.has(name)) return [name];
  const ofReleases = [...new Set(spellings(name))].filter((spelling) => stored.has(spelling));
  if (ofReleases.length > 0) return ofReleases;
  const wrapped = PREFIXES.flatMap((prefix) => [
    `${prefix}${name}`,
    ...(name.startsWith(prefix)
      ? [name.slice(prefix.length), ...PREFIXES.map((other) => `${other}${name.slice(prefix.length)}`)]
      : []),
  ]);
  return [...new Set(wrapped)].filter((other) => stored.has(other));
}
