import type { AdapterModule, TensorRef } from "./read-adapter.ts";
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
    const text = `is a DoRA adapter (${said}), whose magnitudes a sum of low-rank deltas cannot carry; fuse it into its base model instead.`;
    return [{ id: "dora", text }];
  }
  const lack = bare === undefined ? `factors for the magnitude of ${lone}` : `magnitude for ${bare}`;
  const text = `is a DoRA adapter (${said}), but its file holds no ${lack}; save the adapter again, or pass the config that belongs to it.`;
  return [{ id: "incomplete", of: "dora", text }];
}
