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
  const named = all.filter(({ family }) => family.traits.said?.test(said) === true);
  const told = named.length > 0 ? named : all;
  const odd = told.map((one) => contradictions(one, modules));
  const possible = told
    .filter((_, i) => odd[i] === Math.min(...odd))
    .map((one) => ({ ...one, fit: fitOf(one, modules) }));
  const fitting = possible.filter(({ fit }) => told === named || fit !== "none");
  if (sameNames(possible) && !bySize) return fitting.map(({ family }) => family);
  // Whole models alone are certain, unless they may be the first blocks of a larger one with other names.
  return sameNames(fitting) ? fitting.filter(({ fit }) => fit === "whole").map(({ family }) => family) : [];
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

/** Models below this width are made for tests: there names alone decide. */
const LEAST_WIDTH = 256;

/** How a file's modules fit the published models of a family: all blocks of one, some, none; unknown where no width tells. */
type Fit = "whole" | "part" | "none" | "unknown";

function fitOf({ family, places }: Candidate, modules: readonly SizedName[]): Fit {
  const { sizes, common } = family.traits;
  const widths = new Set(places.flatMap((place, i) => (QUERY.test(nameOf(place)) ? [modules[i]!.in] : [])));
  if (sizes === undefined || Math.max(...widths) < LEAST_WIDTH) return "unknown";
  if (places.every(({ value }) => common?.test(value.weight.path))) return "none";
  const counts = blockCounts(places);
  const fits = sizes
    .filter(({ width }) => widths.size === 1 && widths.has(width))
    .map(({ blocks }): Fit => {
      const lists = Object.entries(blocks).filter(([list]) => counts.has(list));
      if (lists.some(([list, number]) => counts.get(list)! > number)) return "none";
      const whole = lists.length > 0 && lists.every(([list, number]) => counts.get(list) === number);
      return whole ? "whole" : "part";
    });
  return (["whole", "part"] as const).find((fit) => fits.includes(fit)) ?? "none";
}

/** How many blocks there are at least, by the path before their number. */
function blockCounts(places: readonly Found<Place>[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { value, numbers } of places) {
    const list = value.weight.path.replace(/\.#.*$/, "");
    if (numbers.length > 0) counts.set(list, Math.max(counts.get(list) ?? 0, Number(numbers[0]) + 1));
  }
  return counts;
}
