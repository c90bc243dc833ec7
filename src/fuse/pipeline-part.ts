import type { Adapter, AdapterModule } from "../adapter/adapter.ts";
import { componentOf } from "../adapter/names/components.ts";
import { RefusedError } from "../core/errors.ts";
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
export function modulesOfPart(base: BaseModel, config: BaseConfig | null, { name, modules }: Adapter): PartModules {
  const parts = new Map<string | null, Map<string, AdapterModule>>();
  for (const module of modules.values()) {
    const component = componentOf(module.name);
    const own = parts.get(component) ?? new Map<string, AdapterModule>();
    parts.set(component, own.set(component === null ? module.name : module.name.slice(component.length + 1), module));
  }
  const named = [...parts.keys()].filter((component) => component !== null);
  const part = partOf(base, config);
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

/** The part of a pipeline that a folder is, by its name or the class in its config; null where neither says. */
function partOf({ name }: BaseModel, config: BaseConfig | null): string | null {
  if (componentOf(`${name}.x`) !== null) return name;
  const kind = config?.className ?? "";
  if (/^UNet/.test(kind)) return "unet";
  return /Transformer/.test(kind) ? "transformer" : null;
}
