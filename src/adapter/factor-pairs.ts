import { FormatError } from "../core/errors.ts";
import type { TensorRef } from "./read-adapter.ts";

/** The factor that a tensor's name denotes. */
export interface FactorKey {
  /** The module's name in the file. */
  readonly path: string;
  readonly half: "a" | "b";
  readonly embedding?: boolean;
}

/** The two factors of a module. */
export interface FactorPair {
  readonly path: string;
  readonly stored: "linear" | "embedding";
  readonly a: TensorRef;
  readonly b: TensorRef;
}

/**
 * Find the factors among an adapter's tensors and pair them, in the order of the file.
 *
 * @param keyOf the factor that a name denotes, null for other tensors
 * @param words what the dialect calls the two halves, for messages
 * @throws FormatError when a half is missing or occurs twice
 */
export function pairFactors(
  name: string,
  tensors: Iterable<TensorRef>,
  keyOf: (key: string) => FactorKey | null,
  words: { readonly a: string; readonly b: string },
): { pairs: FactorPair[]; others: TensorRef[] } {
  const halves = new Map<string, { readonly embedding: boolean; a?: TensorRef; b?: TensorRef }>();
  const others: TensorRef[] = [];
  for (const tensor of tensors) {
    const key = keyOf(tensor.name);
    if (key === null) {
      others.push(tensor);
      continue;
    }
    const { path, half, embedding = false } = key;
    const found = halves.get(path) ?? { embedding };
    if (found.embedding !== embedding) {
      throw new FormatError(
        `${name}: ${path} has both linear and embedding factors (such as ${tensor.name}); save the adapter again.`,
      );
    }
    const twin = found[half];
    if (twin !== undefined) {
      throw new FormatError(
        `${name}: ${twin.name} and ${tensor.name} are both the ${words[half]} of ${path}; remove the one that does not belong to the adapter.`,
      );
    }
    found[half] = tensor;
    halves.set(path, found);
  }
  const pairs = Array.from(halves, ([path, { embedding, a, b }]): FactorPair => {
    if (a === undefined || b === undefined) {
      const [has, lacks] = a === undefined ? [words.b, words.a] : [words.a, words.b];
      throw new FormatError(
        `${name}: ${path} has ${has} but no ${lacks}; the file is incomplete, save or copy it again.`,
      );
    }
    return { path, stored: embedding ? "embedding" : "linear", a, b };
  });
  return { pairs, others };
}
