import { DENOISERS } from "../../families/families.ts";
import { type Family, nameOf, type Place } from "../../families/family.ts";
import type { Found } from "../../families/name-table.ts";
import type { Spelled } from "./beginnings.ts";

/** A module's name in its file, and its size. */
export interface SizedName {
  readonly spelled: Spelled;
  readonly in: number;
  readonly out: number;
}

/** A family that has every one of some modules. */
interface Candidate {
  readonly family: Family;
  readonly places: readonly Found<Place>[];
  /** The modules' names here: equal for families that share them. */
  readonly names: string;
}

/**
 * The families that a denoiser's modules may belong to, the likeliest first: those whose tables have all of them. If they would give
 * different names, metadata and sizes must leave the families of one naming.
 *
 * @param said what the file's metadata say about the model
 * @param among the families that come into question
 * @param bySize whether names are never enough, because the file may belong to another kind of model
 * @returns none if no family is certain enough to rename anything
 */
export function familiesOf(
  modules: readonly SizedName[],
  said = "",
  among: readonly Family[] = DENOISERS,
  bySize = false,
): readonly Family[] {
  if (modules.length === 0) return [];
  const all = among.flatMap((family) => candidate(family, modules) ?? []);
  const told = narrowed(all, ({ family }) => said !== "" && family.traits.said?.test(said) === true);
  const odd = told.map((one) => contradictions(one, modules));
  const possible = told.filter((_, i) => odd[i] === Math.min(...odd));
  const named = sameNames(possible) && !bySize ? possible : possible.filter((one) => ofPublishedSize(one, modules));
  return sameNames(named) ? named.map(({ family }) => family) : [];
}

function candidate(family: Family, modules: readonly SizedName[]): Candidate | null {
  const places: Found<Place>[] = [];
  for (const { spelled } of modules) {
    const place = family.find(spelled.path, spelled.underscored);
    if (place === null) return null;
    places.push(place);
  }
  return { family, places, names: [family.components[0], ...places.map(nameOf)].join() };
}

const sameNames = (candidates: readonly Candidate[]): boolean =>
  candidates.every(({ names }) => names === candidates[0]!.names);

/** Those that fit, if any do. */
function narrowed(candidates: readonly Candidate[], fits: (candidate: Candidate) => boolean): readonly Candidate[] {
  const left = candidates.filter(fits);
  return left.length === 0 ? candidates : left;
}

/** How many modules have a shape that is not the family's. */
function contradictions({ family, places }: Candidate, modules: readonly SizedName[]): number {
  const { ratios = {} } = family.traits;
  return places.filter(({ value: { weight, part } }, i) => {
    const ratio = part === null ? ratios[weight.path] : undefined;
    const { in: inputs, out } = modules[i]!;
    return ratio !== undefined && Math.abs(out / inputs - ratio) > 0.01 * ratio;
  }).length;
}

/** Names of queries, whose inputs are as wide as the model. */
const QUERY = /(?:[._]q|qkv|to_q|q_linear)$/;

/** Whether modules are as many and as wide as in a published model of the family. */
function ofPublishedSize({ family, places }: Candidate, modules: readonly SizedName[]): boolean {
  const { widths = [], blocks = {} } = family.traits;
  const queries = places.flatMap((place, i) => (QUERY.test(nameOf(place)) ? [modules[i]!.in] : []));
  if (queries.length === 0 || !queries.every((width) => widths.includes(width))) return false;
  const counts = new Map<string, number>();
  for (const { value, numbers } of places) {
    const list = value.weight.path.replace(/\.#.*$/, "");
    if (numbers.length > 0) counts.set(list, Math.max(counts.get(list) ?? 0, Number(numbers[0]) + 1));
  }
  return Array.from(counts).every(([list, count]) => blocks[list]?.includes(count) ?? true);
}
