import { pathOfLayerBias } from "./inner-keys.ts";
import { withoutPeftPrefix } from "./keys.ts";

/**
 * The modules whose weights are saved next to the factors, for modules_to_save: an entry of a source's list that covers the tensor, else
 * the full path of the module that owns it (its last name alone would match others). Single biases and tensors of the model itself
 * belong to no saved module.
 *
 * @param extras keys of the tensors besides the factors
 */
export function savedModules(
  sources: readonly { readonly modulesToSave: readonly string[] }[],
  extras: readonly string[],
): string[] {
  const named = new Set(sources.flatMap(({ modulesToSave }) => modulesToSave));
  const saved = new Set<string>();
  for (const key of extras) {
    const path = withoutPeftPrefix(key).split(".");
    const owner = path.slice(0, -1);
    // All runs of whole parts of the owner's path: "model.head" names what is in model.head or x.model.head.
    const runs = owner.flatMap((_, from) => owner.slice(from).map((_, length) => owner.slice(from, from + length + 1)));
    const known = runs.map((run) => run.join(".")).find((run) => named.has(run));
    if (known !== undefined) saved.add(known);
    else if (path.at(-1) !== "bias" && owner.length > 0) saved.add(owner.join("."));
  }
  return [...saved].sort();
}

/**
 * PEFT's word for the saved biases: those of adapted layers only, all, or none. Where the config says none, readers take
 * base_layer.bias for a copy of the base's.
 *
 * @param modules paths of the adapted layers
 * @param saved the modules that are saved whole, biases included
 */
export function trainedBiases(
  modules: readonly string[],
  extras: readonly string[],
  saved: readonly string[],
): "none" | "lora_only" | "all" {
  const owners = extras.flatMap((key) => pathOfLayerBias(withoutPeftPrefix(key)) ?? []);
  const biased = owners.filter((owner) => !saved.some((own) => `.${owner}.`.includes(`.${own}.`)));
  if (biased.length === 0) return "none";
  const adapted = new Set(modules);
  return biased.every((owner) => adapted.has(owner)) ? "lora_only" : "all";
}
