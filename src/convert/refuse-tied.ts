import type { AdapterModule } from "../adapter/adapter.ts";
import { isEmbeddingName, isHeadName } from "../adapter/names/vocabulary.ts";
import { RefusedError } from "../core/errors.ts";

/** Whether tying in the base decides if a program can adapt this module. */
export function isTiable({ name }: Pick<AdapterModule, "name">): boolean {
  return isEmbeddingName(name) || isHeadName(name);
}

/**
 * Refuse a change of only the embedding or only the head for a program that has one tensor for both: PEFT changes one and keeps the
 * other.
 *
 * @param name of the adapter
 */
export function refuseTied(name: string, modules: Iterable<AdapterModule>, program: string): void {
  for (const module of modules) {
    if (!isTiable(module)) continue;
    const what = isHeadName(module.name)
      ? `is the head, for which ${program} has no tensor of its own`
      : `is the embedding, and ${program} would change the head with it`;
    throw new RefusedError(
      `${name}: ${module.name} ${what}, since the base model ties the two (tie_word_embeddings); leave it out with lora-lego merge --exclude ${module.name}, or fuse the adapter into its base with lora-lego fuse, which unties them, and convert that model.`,
    );
  }
}
