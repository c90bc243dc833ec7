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

/**
 * Whether two adapters stack their layers under different paths, as architectures do. Parts of image models, such as the text encoder, are
 * often trained alone, and have stacks of their own.
 */
export function otherStacks(one: Adapter, other: Adapter): boolean {
  const [modules, others] = [[...one.modules.keys()], [...other.modules.keys()]];
  if (ofImageModel(modules) || ofImageModel(others)) return false;
  const [stacks, otherOnes] = [lastLayers(modules), lastLayers(others)];
  return stacks.size > 0 && otherOnes.size > 0 && ![...stacks.keys()].some((path) => otherOnes.has(path));
}
