import type { Adapter } from "./adapter.ts";
import { ofImageModel } from "./names/components.ts";
import { lastLayers } from "./names/last-layers.ts";

/**
 * Whether two adapters that do not fit each other are for one base model: "named" if both name the same, "different" if they name different
 * ones or stack their layers under different paths, and "unknown" otherwise.
 */
export function oneModel(one: Adapter, other: Adapter): "named" | "different" | "unknown" {
  const [first, second] = [one, other].map(({ baseModel }) => nameOf(baseModel));
  if (first !== null && second !== null) return first === second ? "named" : "different";
  const [modules, others] = [[...one.modules.keys()], [...other.modules.keys()]];
  // Parts of image models, such as the text encoder, are often trained alone.
  if (ofImageModel(modules) || ofImageModel(others)) return "unknown";
  const [stacks, otherStacks] = [lastLayers(modules), lastLayers(others)];
  const apart = stacks.size > 0 && otherStacks.size > 0 && ![...stacks.keys()].some((path) => otherStacks.has(path));
  return apart ? "different" : "unknown";
}

/** The name of a base model as its users write it in many ways; null if none is named. */
function nameOf(baseModel: string | null): string | null {
  const last = baseModel?.replace(/\/+$/, "").split("/").at(-1) ?? "";
  const plain = last.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  return plain === "" ? null : plain;
}
