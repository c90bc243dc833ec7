import { FormatError, RefusedError } from "../../core/errors.ts";
import { DENOISERS, TEXT_ENCODERS } from "../../families/families.ts";
import { type Family, nameOf } from "../../families/family.ts";
import { T5 } from "../../families/text-encoders.ts";
import type { AdapterModule } from "../read-adapter.ts";
import { swappedHalves } from "../weights/cut.ts";
import { type Spelled, spelled } from "./beginnings.ts";
import { familiesOf } from "./family-of.ts";

/** What the modules of a file are called here. */
export interface Naming {
  /** The families that the denoiser may belong to, the likeliest first; none if it is not known. */
  readonly families: readonly Family[];
  /** A module's name here; its own where the family is not known. */
  nameOf(path: string): string;
  /**
   * The same for a tensor beside the module that has a value for each of its rows.
   * @throws RefusedError where rows have another order here
   */
  nameOfRows(path: string): string;
  /** A module under its name here, with its rows in the order that they have in the model's own code. */
  placed<M extends Pick<AdapterModule, "name" | "in" | "out" | "b">>(module: M): M;
}

/** A module's name in its file, and its size. */
type Named = Pick<AdapterModule, "name" | "in" | "out">;

/**
 * Decide once for a file which families its modules belong to, and what they are called here. A part of the pipeline is renamed only if
 * one family has all its modules; else its names stay as they stand, so that such files merge with each other and nothing is guessed.
 *
 * @param modules under their names in the file
 * @param metadata of the file, which may name the model
 * @param among families of denoisers that come into question
 * @param bySize whether a denoiser's names are never enough
 */
export function namingOf(
  modules: readonly Named[],
  metadata: ReadonlyMap<string, string> = new Map(),
  among: readonly Family[] = DENOISERS,
  bySize = false,
): Naming {
  const parts = new Map<string, { readonly module: Named; readonly spelled: Spelled }[]>();
  for (const module of modules) {
    const own = spelled(module.name);
    if (own === null) continue;
    parts.set(own.part, [...(parts.get(own.part) ?? []), { module, spelled: own }]);
  }
  const said = ["ss_base_model_version", "modelspec.architecture"].flatMap((key) => metadata.get(key) ?? []).join(" ");
  const denoiser = [...(parts.get("denoiser") ?? []), ...(parts.get("transformer_2") ?? [])];
  const families = familiesOf(denoiser.map(sized), said, among, bySize);
  const renamed = new Map<string, { readonly name: string; readonly swap: boolean }>();
  for (const [part, own] of parts) {
    const isDenoiser = part === "denoiser" || part === "transformer_2";
    const [family] = isDenoiser ? families : familiesOf(own.map(sized), "", TEXT_ENCODERS);
    if (family === undefined) continue;
    const component = part === "denoiser" ? family.components[0]! : encoderOf(part, family);
    for (const { module, spelled: one } of own) {
      const place = family.find(one.path, one.underscored)!;
      const { weight, inDiffusers } = place.value;
      const short = module.out === 2 * module.in;
      const swap = inDiffusers && (weight.swapped === "always" || (weight.swapped === "short" && short));
      if (swap && module.out % 2 !== 0) {
        throw new FormatError(
          `${module.name} has ${module.out} rows, but ${family.title} keeps two halves in it; check that the file belongs to that model.`,
        );
      }
      renamed.set(module.name, { name: `${component}.${nameOf(place)}`, swap });
    }
  }
  return {
    families,
    nameOf: (path) => renamed.get(path)?.name ?? path,
    nameOfRows(path) {
      const found = renamed.get(path);
      if (found?.swap) {
        throw new RefusedError(
          `${path} has a DoRA magnitude or a bias in diffusers' order of rows, and ${found.name} has its halves the other way round; remove that tensor from the file.`,
        );
      }
      return found?.name ?? path;
    },
    placed(module) {
      const found = renamed.get(module.name);
      if (found === undefined) return module;
      return { ...module, name: found.name, b: found.swap ? swappedHalves(module.b) : module.b };
    },
  };
}

/** T5 is the third text encoder here, but the second one where Flux.1's have numbers: in diffusers and OneTrainer. */
export function encoderOf(part: string, family: Family): string {
  return family === T5 && part === "text_encoder_2" ? "text_encoder_3" : part;
}

function sized({ module, spelled: one }: { readonly module: Named; readonly spelled: Spelled }) {
  return { spelled: one, in: module.in, out: module.out };
}
