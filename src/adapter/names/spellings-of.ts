import { blockOf } from "../../families/blocks.ts";
import { TEXT_ENCODERS } from "../../families/families.ts";
import type { Family, Weight, WeightPart } from "../../families/family.ts";
import { placeOf, wholeName } from "../weights/whole.ts";
import { spelled } from "./beginnings.ts";

/** The names of a module of a known family. */
export interface Spellings {
  /** Its name here. A part is also called like the whole weight. */
  readonly here: readonly string[];
  /** Its part of the pipeline and its path, in all spellings; a part has the whole weight's too. */
  readonly paths: readonly string[];
  /** The same for the block that it is in; none outside of blocks. */
  readonly blocks: readonly string[];
}

/** A module of a known family, with the parts that other programs have in its place. */
export interface SpelledModule extends Spellings {
  readonly parts: readonly Spellings[];
}

/** All names that a module may have in files of its family; null where none of the families has it. */
export function spellingsOf(families: readonly Family[], name: string): SpelledModule | null {
  const component = spelled(name)?.part;
  const known = component?.startsWith("text_encoder") ? TEXT_ENCODERS : families;
  const places = known.flatMap((family) => {
    const place = placeOf(family, name);
    return place === null ? [] : [{ family, place }];
  });
  const [first] = places;
  if (component === undefined || first === undefined) return null;
  const whole = wholeName(first.place);
  const { part, weight } = first.place;
  const spellings = (here: readonly string[], parts: readonly (string | null)[]): Spellings => {
    const found = places.flatMap(({ family, place }) =>
      parts.flatMap((of) => family.pathsOf({ ...place, part: partOf(place.weight, of) })),
    );
    const within = (paths: readonly string[]) => [...new Set(paths)].map((path) => `${component}.${path}`);
    return { here, paths: within(found), blocks: within(found.flatMap((path) => blockOf(path) ?? [])) };
  };
  if (part !== null) return { ...spellings([name, whole], [part.name, null]), parts: [] };
  const parts = weight.parts.map((piece) => spellings([`${whole}.${piece.name}`], [piece.name]));
  return { ...spellings([name], [null]), parts };
}

/** A weight's part by its name, as one family's table has it. */
function partOf({ parts }: Weight, name: string | null): WeightPart | null {
  return parts.find((part) => part.name === name) ?? null;
}
