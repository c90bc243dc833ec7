import type { Adapter, AdapterModule } from "../adapter/adapter.ts";
import { componentOf } from "../adapter/names/components.ts";
import { storedNames } from "../adapter/names/stored-names.ts";
import { stackParts } from "../adapter/weights/whole.ts";
import { type DiffusersModule, modulesInDiffusers } from "../convert/diffusers-modules.ts";
import { RefusedError } from "../core/errors.ts";
import { familyById } from "../families/families.ts";
import type { BaseConfig } from "./base-config.ts";
import type { BaseModel } from "./base-model.ts";

/** An adapter's modules that a base holds, by their paths there, and how many belong to other folders of its pipeline. */
export interface PartModules {
  readonly modules: ReadonlyMap<string, AdapterModule>;
  /** Counts by component (text_encoder, ...). */
  readonly elsewhere: ReadonlyMap<string, number>;
}

/**
 * The modules of an adapter that a folder holds: all, or for an image model's adapter, which names the parts of a pipeline (unet.,
 * text_encoder., ...), those of the folder's part.
 *
 * @throws RefusedError when none belongs to it, or its part cannot be determined
 */
export function modulesOfPart(base: BaseModel, config: BaseConfig | null, adapter: Adapter): PartModules {
  const { name, modules } = adapter;
  const part = partOf(base, config);
  const parts = new Map<string | null, Map<string, AdapterModule>>();
  for (const { name: path, module } of inLayoutOf(base, part, adapter)) {
    const component = componentOf(path);
    const own = parts.get(component) ?? new Map<string, AdapterModule>();
    parts.set(component, own.set(component === null ? path : path.slice(component.length + 1), module));
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
  const own = parts.get(chosen);
  if (own === undefined) {
    throw new RefusedError(
      parts.has("diffusion_model")
        ? `${name} names its modules as the model's original code does (${[...modules.keys()][0]}), but ${base.name} is a pipeline's ${chosen} with diffusers' names; pass a folder with the model's checkpoint in its original layout.`
        : `${name} adapts ${named.join(" and ")}, but ${base.name} is a pipeline's ${chosen}; pass the pipeline's folder ${named.join(" or ")} as --base.`,
    );
  }
  const elsewhere = new Map(named.filter((other) => other !== chosen).map((other) => [other, parts.get(other)!.size]));
  return { modules: own, elsewhere };
}

/**
 * The modules of an adapter of a known family as a base has them: under diffusers' names, or under those of the model's own code with
 * parts of a weight stacked.
 *
 * @throws RefusedError where magnitudes or biases would have to be taken apart with their modules
 */
function inLayoutOf(base: BaseModel, part: string | null, adapter: Adapter): readonly DiffusersModule[] {
  const { name, families, modules, variants } = adapter;
  const asRead = Array.from(modules.values(), (module) => ({ name: module.name, module }));
  if (families.length === 0) return asRead;
  const family = familyById(families[0]!);
  const stacked = stackParts(name, modules.values(), family, () => true);
  const ownLayout = [...stacked.keys()].some((own) => {
    const path = own.startsWith("diffusion_model.") ? own.slice("diffusion_model.".length) : null;
    return path !== null && storedNames(base.tensors, `${path}.weight`).length > 0;
  });
  if (!ownLayout && part === null) return asRead;
  const moved = ownLayout
    ? Array.from(stacked.values(), (module) => ({ name: module.name, module }))
    : modulesInDiffusers(adapter);
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
