import type { Adapter, AdapterModule } from "../adapter/adapter.ts";
import { componentOf, isKohyaName, ofImageModel } from "../adapter/names/components.ts";
import { isOfT5, withoutT5 } from "../adapter/names/without-t5.ts";
import { swappedHalves } from "../adapter/weights/cut.ts";
import { inFamily } from "../adapter/weights/in-family.ts";
import { type PlacedModule, placeOf, splitModule } from "../adapter/weights/whole.ts";
import { RefusedError } from "../core/errors.ts";
import { familyById } from "../families/families.ts";
import type { Family } from "../families/family.ts";
import { filledIn } from "../families/name-table.ts";

/** A module and its name in diffusers. */
export interface DiffusersModule {
  readonly name: string;
  /** The adapter's own where all of its rows are in their order. */
  readonly module: AdapterModule;
}

/**
 * An adapter's modules under diffusers' names: weights that diffusers splits in parts, with A shared, and halves in its order. Names of
 * unknown families stay as they are, if they come from the diffusers dialect.
 *
 * @throws RefusedError for modules whose names in diffusers are not known
 */
export function modulesInDiffusers(adapter: Adapter): DiffusersModule[] {
  const { name, format, families: ids, modules } = inFamily(adapter);
  const families = ids.map(familyById);
  const image = ofImageModel(modules.keys());
  return [...modules.values()].flatMap((module): readonly DiffusersModule[] => {
    const refuse = (why: string) => new RefusedError(`${name}: ${module.name} ${why}`);
    const places = families.flatMap((family) => {
      const place = isDenoiser(module.name) ? placeOf(family, module.name) : null;
      return place === null ? [] : [{ family, place }];
    });
    if (places.length > 0) return inDiffusers(module, places, refuse);
    if (isKohyaName(module.name)) {
      throw refuse(
        "has a kohya name from a family that lora-lego does not know, so its name in diffusers would be a guess; keep it in kohya's names, which it was written in.",
      );
    }
    if (componentOf(module.name) === null && !image) {
      throw refuse(
        "is not a module of an image model that diffusers loads (unet., text_encoder., transformer.); convert it to peft, mlx or gguf.",
      );
    }
    if (format !== "diffusers" && isOfT5(module.name)) {
      throw refuse(
        `belongs to a T5 text encoder, for which diffusers loads no LoRA (ComfyUI does, in kohya's names); ${withoutT5(adapter)}.`,
      );
    }
    // In Flux.1's pipeline T5 is the second text encoder, not the third as here.
    return [
      {
        name: ids.includes("flux1") ? module.name.replace(/^text_encoder_3\./, "text_encoder_2.") : module.name,
        module,
      },
    ];
  });
}

const isDenoiser = (name: string): boolean => /^(?:unet|diffusion_model|transformer_2)\./.test(name);

/** A module of a known family; of several families where they agree. */
function inDiffusers(
  module: AdapterModule,
  candidates: readonly { readonly family: Family; readonly place: PlacedModule }[],
  refuse: (why: string) => RefusedError,
): readonly DiffusersModule[] {
  const [{ family, place }, ...others] = candidates as [(typeof candidates)[number], ...typeof candidates];
  const other = others.find((one) => JSON.stringify(pathsOf(one.place)) !== JSON.stringify(pathsOf(place)));
  if (other !== undefined) {
    throw refuse(
      `is a module of ${family.title} and of ${other.family.title}, which diffusers names differently, and nothing in the file says which; convert it to kohya.`,
    );
  }
  const { component, weight, part } = place;
  const prefix = component === "diffusion_model." ? "transformer." : component;
  const named = (own: AdapterModule, path: string): DiffusersModule => {
    return { name: prefix + filledIn(path, place.numbers), module: own };
  };
  if (part !== null) return [named(module, part.diffusers)];
  if (weight.parts.length > 0) {
    const parts = splitModule(module, weight, family.rows);
    if (parts === null) {
      throw refuse(
        `has ${module.out} rows, which its layers in diffusers cannot share; check that it is a ${family.title} adapter.`,
      );
    }
    return parts.map(({ own, part: { diffusers } }) => named(own, diffusers));
  }
  if (weight.diffusers === null) {
    throw refuse(`has no counterpart in diffusers' ${family.title} that lora-lego knows; convert it to kohya.`);
  }
  const swap = weight.swapped === "always" || (weight.swapped === "short" && module.out === 2 * module.in);
  return [named(swap ? { ...module, b: swappedHalves(module.b) } : module, weight.diffusers)];
}

function pathsOf({ weight, part }: PlacedModule): unknown {
  return part?.diffusers ?? [weight.diffusers, weight.swapped, weight.parts];
}
