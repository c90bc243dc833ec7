import { RefusedError } from "../../core/errors.ts";
import type { Family, FoundWeight, PartRows, Place, Weight, WeightPart } from "../../families/family.ts";
import { type Found, filledIn } from "../../families/name-table.ts";
import type { AdapterModule, FactorRef } from "../read-adapter.ts";
import { composed, cutFactor, piecesAt } from "./cut.ts";

/** A module as its family's table knows it. */
export interface PlacedModule extends FoundWeight {
  /** The component, with its dot. */
  readonly component: string;
}

/** Where a module belongs by its name here; null where the family has no such weight. */
export function placeOf(family: Family, name: string): PlacedModule | null {
  const component = /^[a-z0-9_]+\./.exec(name)?.[0];
  if (component === undefined) return null;
  const found: Found<Place> | null = family.find(name.slice(component.length), false);
  return found === null ? null : { component, ...found.value, numbers: found.numbers };
}

/** The name of the weight that a module is, or is part of. */
export function wholeName({ component, weight, numbers }: PlacedModule): string {
  return component + filledIn(weight.path, numbers);
}

/** Refuse a weight beside a part of it, which are the same rows twice. @param name of the adapter */
export function refuseDoubled(name: string, modules: ReadonlyMap<string, AdapterModule>, family: Family): void {
  for (const module of modules.values()) {
    const place = placeOf(family, module.name);
    const whole = place === null || place.part === null ? undefined : modules.get(wholeName(place));
    if (whole === undefined) continue;
    throw new RefusedError(
      `${name}: ${whole.b.name} and ${module.b.name} both belong to ${whole.name}, the whole weight and a part of it; remove the one that does not belong to the adapter.`,
    );
  }
}

/**
 * Stack the parts of weights by rows: delta by delta the same, as block rows. Parts that share A (`shareFactors`) and their scale keep it;
 * the rank of others adds up.
 *
 * @param adapter its name, for messages
 * @param wanted which weights are stacked, by name
 */
export function stackParts<M extends AdapterModule>(
  adapter: string,
  modules: Iterable<M>,
  family: Family,
  wanted: (whole: string) => boolean,
): Map<string, AdapterModule> {
  const result = new Map<string, AdapterModule>();
  const groups = new Map<string, { readonly weight: Weight; readonly parts: Map<string, AdapterModule> }>();
  for (const module of modules) {
    const place = placeOf(family, module.name);
    const whole = place === null || place.part === null ? null : wholeName(place);
    if (whole === null || !wanted(whole)) {
      result.set(module.name, module);
      continue;
    }
    const group = groups.get(whole) ?? { weight: place!.weight, parts: new Map() };
    groups.set(whole, group);
    group.parts.set(place!.part!.name, module);
    // Its place among the others is that of its first part.
    result.set(whole, module);
  }
  for (const [whole, { weight, parts }] of groups) {
    result.set(
      whole,
      stackedRows(
        adapter,
        whole,
        weight.parts.map(({ name }) => name),
        parts,
        family.rows,
      ),
    );
  }
  return result;
}

/**
 * One module of parts that are rows of it; it has no bias of B, whatever its parts have.
 *
 * @param adapter its name, for messages
 * @param order of all parts; rows of missing ones are zero
 * @param rows how many rows each has, relative to the others; null for as many of each, in turn
 */
export function stackedRows(
  adapter: string,
  name: string,
  order: readonly string[],
  parts: ReadonlyMap<string, AdapterModule>,
  rows: PartRows | null,
): AdapterModule {
  const [[some, first]] = [...parts] as [[string, AdapterModule]];
  const odd = [...parts.values()].find((part) => part.in !== first.in || part.kind !== "linear");
  if (odd !== undefined) {
    throw new RefusedError(
      `${adapter}: ${first.name} takes ${first.in} inputs and ${odd.name} ${odd.in} (${odd.kind}), but both are rows of ${name}; check that the file belongs to one model.`,
    );
  }
  const scale = first.scale === 0 ? 1 : first.scale;
  const units: { readonly module: AdapterModule; readonly unit: number }[] = [];
  const a: ReturnType<typeof piecesAt> = [];
  const b: ReturnType<typeof piecesAt> = [];
  let [rank, row] = [0, 0];
  for (const [i, part] of order.entries()) {
    const module = parts.get(part);
    if (module === undefined) {
      row += rows === null ? first.out : Math.round((first.out * rows[part]!) / rows[some]!);
      continue;
    }
    const twin = units.find((one) => sameFactor(one.module.a, module.a));
    const unit = twin?.unit ?? rank;
    if (twin === undefined) {
      a.push(...piecesAt(module.a, unit, 0, 1));
      units.push({ module, unit });
      rank += module.rank;
    }
    const times = module.scale / scale;
    b.push(
      ...(rows === null ? piecesAt(module.b, unit, i, times, order.length) : piecesAt(module.b, unit, row, times)),
    );
    row += module.out;
  }
  const { bias: _, ...rest } = first;
  return { ...rest, name, out: row, rank, scale, a: composed(rank, first.in, a), b: composed(rank, row, b) };
}

/** Whether modules have one A. */
export function sharesFactor(modules: readonly AdapterModule[]): boolean {
  return modules.every(({ a }) => sameFactor(a, modules[0]!.a));
}

/** Whether two factors are the same elements of the same file. */
function sameFactor(one: FactorRef, other: FactorRef): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/**
 * The parts of a module that holds a whole weight, with A shared, and without a bias of B; those of zeros are left out.
 *
 * @returns null where the parts cannot share its rows
 */
export function splitModule(
  module: AdapterModule,
  weight: Weight,
  rows: PartRows,
): readonly { readonly part: WeightPart; readonly own: AdapterModule }[] | null {
  const sizes = partSizes(weight, rows, module.in, module.out);
  if (sizes === null) return null;
  const { bias: _, ...whole } = module;
  let row = 0;
  return weight.parts.flatMap((part, i) => {
    const out = sizes[i]!;
    const b = cutFactor(module.b, row, out);
    row += out;
    return b === null ? [] : [{ part, own: { ...whole, out, b } }];
  });
}

/** Rows of each part; queries are as wide as the model, and keys and values share the rest where they are narrower. */
function partSizes({ parts }: Weight, rows: PartRows, inputs: number, out: number): number[] | null {
  const shares = parts.map(({ name }) => rows[name]!);
  const total = shares.reduce((sum, share) => sum + share, 0);
  const [first, ...others] = shares as [number, ...number[]];
  const sizes =
    first > Math.max(...others)
      ? [inputs, ...others.map(() => (out - inputs) / others.length)]
      : shares.map((share) => (out * share) / total);
  return sizes.every((size) => Number.isInteger(size) && size > 0) ? sizes : null;
}
