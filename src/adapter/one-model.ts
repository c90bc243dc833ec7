import type { Adapter } from "./adapter.ts";
import { ofImageModel } from "./names/components.ts";
import { lastLayers } from "./names/last-layers.ts";
import { sameBase } from "./same-base.ts";

/**
 * Whether two adapters that do not fit each other are for one base model: "named" if both name the same, "different" if they name different
 * ones or stack their layers under different paths, and "unknown" otherwise.
 */
export function oneModel(one: Adapter, other: Adapter): "named" | "different" | "unknown" {
  const names = one.baseModel && other.baseModel ? sameBase(one.baseModel, other.baseModel) : "unknown";
  if (names !== "unknown") return names === "same" ? "named" : "different";
  return otherStacks(one, other) ? "different" : "unknown";
}

/** How the modules of a text encoder begin that was trained alone: CLIP's and T5's. */
const TEXT_ENCODER = /^(?:text_model\.)?encoder\.(?:layers|block)\./;

/**
 * Whether two adapters stack their layers under different paths, as architectures do. Parts of image models, such as the text encoder, are
 * often trained alone, and have stacks of their own; a language model is no part of one.
 */
export function otherStacks(one: Adapter, other: Adapter): boolean {
  const [modules, others] = [[...one.modules.keys()], [...other.modules.keys()]];
  const [image, otherImage] = [ofImageModel(modules), ofImageModel(others)];
  if (image && otherImage) return false;
  const [stacks, otherOnes] = [lastLayers(modules), lastLayers(others)];
  if (image !== otherImage) {
    const language = image ? others : modules;
    return lastLayers(language).size > 0 && !language.some((name) => TEXT_ENCODER.test(name));
  }
  return stacks.size > 0 && otherOnes.size > 0 && ![...stacks.keys()].some((path) => otherOnes.has(path));
}
