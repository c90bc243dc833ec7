import { blockOf, shortNames } from "../../families/blocks.ts";
import { TEXT_ENCODERS } from "../../families/families.ts";
import type { Family, FoundWeight, Weight, WeightPart } from "../../families/family.ts";
import { placeOf, wholeName } from "../weights/whole.ts";
import { spelled } from "./beginnings.ts";

/** The names of a module of a known family. */
export interface Spellings {
  /** Its name here. A part is also called like the whole weight. */
  readonly here: readonly string[];
  /**
   * Its part of the pipeline and its path, in all spellings, and its path after short names of blocks; a part has the whole weight's
   * too.
   */
  readonly paths: readonly string[];
  /** The same for the block that it is in; none outside of blocks. */
  readonly blocks: readonly string[];
}

/** A module of a known family, with the parts that other programs have in its place. */
export interface SpelledModule extends Spellings {
  readonly parts: readonly Spellings[];
  /** What people call the block that it is in, such as IN04, te1 or blocks.3, the commonest name first; none outside of blocks. */
  readonly block: readonly string[];
}

/** A path of a module in one spelling. */
interface SpelledPath {
  readonly path: string;
  readonly block: string | null;
  /** Short names of its block or place, and what follows them in the path. */
  readonly short: readonly string[];
  readonly rest: string;
}

/** What people call the text encoders: by their numbers in kohya's keys, and all together. */
const ENCODERS: Readonly<Record<string, string>> = {
  text_encoder: "te1",
  text_encoder_2: "te2",
  text_encoder_3: "te3",
};
const ALL_ENCODERS = "BASE";

/** All names that a module may have in files of its family; null where none of the families has it. */
export function spellingsOf(families: readonly Family[], name: string): SpelledModule | null {
  const component = spelled(name)?.part;
  if (component === undefined) return null;
  const encoder = ENCODERS[component];
  const places = (encoder === undefined ? families : TEXT_ENCODERS).flatMap((family) => {
    const place = placeOf(family, name);
    return place === null ? [] : [{ family, place }];
  });
  const [first] = places;
  if (first === undefined) return null;
  const pathsOf = (part: string | null): SpelledPath[] =>
    places.flatMap(({ family, place }) =>
      spelledPaths(family, { ...place, part: partOf(place.weight, part) }, encoder),
    );
  const whole = wholeName(first.place);
  const { part, weight } = first.place;
  const own = pathsOf(part?.name ?? null);
  const block = own.flatMap(({ short }) => short);
  const named = { block: unique(encoder !== undefined || own[0]!.block === null ? block : [...block, own[0]!.block]) };
  // Where T5 is the second text encoder, files say so.
  const components = component === "text_encoder_3" ? [component, "text_encoder_2"] : [component];
  const names = (here: readonly string[], paths: readonly SpelledPath[]) => spellings(components, here, paths);
  if (part !== null) return { ...names([name, whole], [...own, ...pathsOf(null)]), parts: [], ...named };
  const parts = weight.parts.map((piece) => names([`${whole}.${piece.name}`], pathsOf(piece.name)));
  return { ...names([name], own), parts, ...named };
}

function spelledPaths(family: Family, found: FoundWeight, encoder: string | undefined): SpelledPath[] {
  return family.pathsOf(found).map((path) => {
    const block = blockOf(path);
    if (encoder !== undefined) {
      return { path, block, short: [encoder, ALL_ENCODERS, family.id.toUpperCase()], rest: `.${path}` };
    }
    const { names, rest } = shortNames(family.blocks, path);
    return { path, block, short: names, rest };
  });
}

function spellings(components: readonly string[], here: readonly string[], found: readonly SpelledPath[]): Spellings {
  const within = (path: string): string[] => components.map((component) => `${component}.${path}`);
  const short = found.flatMap(({ short: names, rest }) => names.map((block) => ({ block, path: block + rest })));
  return {
    here,
    paths: unique([...found.flatMap(({ path }) => within(path)), ...short.map(({ path }) => path)]),
    blocks: unique([
      ...found.flatMap(({ block }) => (block === null ? [] : within(block))),
      ...short.map(({ block }) => block),
    ]),
  };
}

/** A weight's part by its name, as one family's table has it. */
function partOf({ parts }: Weight, name: string | null): WeightPart | null {
  return parts.find((part) => part.name === name) ?? null;
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];
