import type { Adapter, AdapterModule } from "../adapter/adapter.ts";
import { componentOf } from "../adapter/names/components.ts";
import { stackedRows, stackParts } from "../adapter/weights/whole.ts";
import { type DiffusersModule, modulesInDiffusers } from "../convert/diffusers-modules.ts";
import { RefusedError } from "../core/errors.ts";
import { familyById } from "../families/families.ts";
import type { BaseConfig } from "./base-config.ts";
import type { BaseModel } from "./base-model.ts";
import { type CheckpointNames, checkpointNames } from "./checkpoint-names.ts";

/** An adapter's modules that a base holds, by their paths there, and how many belong to other parts of its pipeline. */
export interface PartModules {
  readonly modules: ReadonlyMap<string, AdapterModule>;
  /** Counts by component (text_encoder, ...). */
  readonly elsewhere: ReadonlyMap<string, number>;
}

/**
 * The modules of an adapter that a base holds: all; or for an image model's adapter, which names the parts of a pipeline (unet.,
 * text_encoder., ...), those of a folder's part, or of the parts in a checkpoint.
 *
 * @throws RefusedError when none belongs to it, or its part cannot be determined
 */
export function modulesOfPart(base: BaseModel, config: BaseConfig | null, adapter: Adapter): PartModules {
  const { name, families, modules } = adapter;
  const own = families.length === 0 ? null : checkpointNames(base, familyById(families[0]!));
  const part = partOf(base, config) ?? (own?.inDiffusers === true ? "transformer" : null);
  const inCheckpoint = own === null ? null : modulesOfCheckpoint(base, adapter, own);
  if (inCheckpoint !== null) return inCheckpoint;
  const found =
    families.length === 0 || part === null
      ? Array.from(modules.values(), (module) => ({ name: module.name, module }))
      : unsplit(base, adapter, modulesInDiffusers(adapter));
  const parts = new Map<string | null, Map<string, AdapterModule>>();
  for (const { name: path, module } of found) {
    const component = componentOf(path);
    const ofPart = parts.get(component) ?? new Map<string, AdapterModule>();
    parts.set(component, ofPart.set(component === null ? path : path.slice(component.length + 1), module));
  }
  const named = [...parts.keys()].filter((component) => component !== null);
  const [only] = named;
  if (only === undefined || parts.has(null)) return { modules, elsewhere: new Map() };
  const chosen = part ?? (named.length === 1 ? only : null);
  if (chosen === null) {
    throw new RefusedError(
      `${name} adapts ${named.join(" and ")}, but nothing says which of them ${base.name} is; pass that folder of a diffusers pipeline under its own name (unet, transformer, text_encoder, ...).`,
    );
  }
  const ofPart = parts.get(chosen);
  if (ofPart === undefined) {
    throw new RefusedError(
      parts.has("diffusion_model")
        ? `${name} names its modules as the model's original code does (${[...modules.keys()][0]}), but ${base.name} is a pipeline's ${chosen} with diffusers' names; pass a folder with the model's checkpoint in its original layout.`
        : `${name} adapts ${named.join(" and ")}, but ${base.name} is a pipeline's ${chosen}; pass the pipeline's folder ${named.join(" or ")} as --base.`,
    );
  }
  const elsewhere = new Map(named.filter((other) => other !== chosen).map((other) => [other, parts.get(other)!.size]));
  return { modules: ofPart, elsewhere };
}

/**
 * The modules of an adapter in a checkpoint in the layout of the model's own code, which may hold text encoders too: parts of a weight are
 * stacked. null where the base has none of them under such names.
 */
function modulesOfCheckpoint(base: BaseModel, adapter: Adapter, { paths, fused }: CheckpointNames): PartModules | null {
  const family = familyById(adapter.families[0]!);
  const whole = withFusedAttention(
    adapter.name,
    stackParts(adapter.name, adapter.modules.values(), family, () => true),
    fused,
  );
  const pathOf = (name: string): string | undefined => paths.get(name) ?? (base.tensors.has(name) ? name : undefined);
  const held = new Set([...whole.keys()].flatMap((name) => (pathOf(name) === undefined ? [] : [partIn(name, fused)])));
  if (held.size === 0) return null;
  const modules = new Map<string, AdapterModule>();
  const elsewhere = new Map<string, number>();
  for (const [name, module] of whole) {
    const part = partIn(name, fused);
    if (held.has(part)) modules.set(pathOf(name) ?? name.slice(part.length + 1), module);
    else elsewhere.set(part, (elsewhere.get(part) ?? 0) + 1);
  }
  unsplit(
    base,
    adapter,
    Array.from(modules, ([name, module]) => ({ name, module })),
  );
  return { modules, elsewhere };
}

/** The part of a pipeline that a module belongs to, or one of open_clip's tensors. */
function partIn(name: string, fused: CheckpointNames["fused"]): string {
  const layer = [...fused].find(([, tensor]) => tensor === name)?.[0];
  return componentOf(layer ?? name) ?? "";
}

/** Queries, keys and values of a text encoder as rows of one tensor, where a checkpoint has them so. */
function withFusedAttention(
  adapter: string,
  modules: ReadonlyMap<string, AdapterModule>,
  fused: CheckpointNames["fused"],
): ReadonlyMap<string, AdapterModule> {
  const found = new Map<string, AdapterModule>();
  const groups = new Map<string, Map<string, AdapterModule>>();
  for (const [name, module] of modules) {
    const [, layer, letter] = /^(.+)\.([qkv])_proj$/.exec(name) ?? [];
    const tensor = layer === undefined ? undefined : fused.get(layer);
    if (tensor === undefined) found.set(name, module);
    else groups.set(tensor, (groups.get(tensor) ?? new Map()).set(letter!, module));
  }
  for (const [tensor, parts] of groups) {
    found.set(tensor, stackedRows(adapter, tensor, ["q", "k", "v"], parts, { q: 1, k: 1, v: 1 }));
  }
  return found;
}

/** Refuse modules that were taken apart or stacked, where magnitudes or biases would have to follow. */
function unsplit(
  base: BaseModel,
  { name, modules, variants }: Adapter,
  moved: readonly DiffusersModule[],
): readonly DiffusersModule[] {
  const apart = moved.find(({ module }) => modules.get(module.name) !== module);
  if (variants.length === 0 || apart === undefined) return moved;
  throw new RefusedError(
    `${name}: ${apart.name} is a part of a weight in one of the adapter and ${base.name} and the whole in the other, and its ${variants[0]!.id === "dora" ? "magnitudes hold" : "bias holds"} for one of them; pass a base in the layout that the adapter was trained on.`,
  );
}

/** The part of a pipeline that a folder is, by its name or the class in its config; null where neither says. */
function partOf({ name }: BaseModel, config: BaseConfig | null): string | null {
  if (componentOf(`${name}.x`) !== null) return name;
  const kind = config?.className ?? "";
  if (/^UNet/.test(kind)) return "unet";
  return /Transformer/.test(kind) ? "transformer" : null;
}
