import type { AdapterModule, Notice, ReadAdapter, TensorRef } from "./read-adapter.ts";
import type { Variant } from "./variants.ts";

/**
 * The DoRA variant that an adapter's magnitudes and config show, if any.
 *
 * @param stated words for what says that every module has a magnitude; null where nothing does
 */
export function doraVariants(
  modules: ReadonlyMap<string, AdapterModule>,
  magnitudes: ReadonlyMap<string, TensorRef>,
  stated: string | null,
): Variant[] {
  if (stated === null && magnitudes.size === 0) return [];
  const [first] = magnitudes.values();
  const said = first === undefined ? stated : `tensor ${first.name}`;
  const bare = stated === null ? undefined : [...modules.keys()].find((name) => !magnitudes.has(name));
  const lone = [...magnitudes.keys()].find((name) => !modules.has(name));
  if (bare === undefined && lone === undefined) {
    const text = `is a DoRA adapter (${said}), whose magnitudes a sum of low-rank deltas cannot carry; fuse it into its base model, or merge it with --dora bake --base DIR (its change as a LoRA) or --dora drop (without magnitudes).`;
    return [{ id: "dora", text }];
  }
  const lack = bare === undefined ? `factors for the magnitude of ${lone}` : `magnitude for ${bare}`;
  const text = `is a DoRA adapter (${said}), but its file holds no ${lack}; save the adapter again, or pass the config that belongs to it.`;
  return [{ id: "incomplete", of: "dora", text }];
}

/** Whether an adapter is a DoRA adapter with all of its magnitudes. */
export function isDora({ variants }: Pick<ReadAdapter, "variants">): boolean {
  return variants.some(({ id }) => id === "dora");
}

/** A DoRA adapter as a plain LoRA. @param notice says what became of its magnitudes */
export function withoutMagnitudes<A extends Pick<ReadAdapter, "magnitudes" | "variants" | "notices">>(
  adapter: A,
  notice: Notice,
): A {
  return {
    ...adapter,
    magnitudes: new Map(),
    variants: adapter.variants.filter(({ id }) => id !== "dora"),
    notices: [...adapter.notices, notice],
  };
}
