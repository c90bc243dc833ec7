import { ofImageModel } from "../adapter/names/components.ts";
import { defaultsOf } from "../methods/method.ts";
import { methodById } from "../methods/registry.ts";
import { MEASURED_METHODS, type MeasuredMethod } from "./measured-methods.ts";
import { MEASURED_RANKS } from "./measured-ranks.ts";

/** Two adapters were measured apart, and keep other methods best. */
const LEAST_ADAPTERS = 3;
/** Twice the rank of each adapter that was measured. */
const TWICE = 12;

/** A merge as what was measured applies to it or not. */
export interface MeasuredSet {
  readonly method: string;
  /** With the method's own parameters, whatever else. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Of the adapters that were merged. */
  readonly weights: readonly number[];
  /** The ranks that these adapters have. */
  readonly ranks: ReadonlySet<number>;
  readonly modules: readonly string[];
  /** The largest rank of the result. */
  readonly rank: number;
}

/**
 * What the method of a merge scored; null where the merge is of another kind than those that were measured: several adapters of a language
 * model that have one rank, merged at that rank, or at twice it, with weights of 1 and the method's defaults.
 */
export function measuredOf(merge: MeasuredSet): MeasuredMethod | null {
  if (!isMeasured(merge)) return null;
  const { method, ranks, rank } = merge;
  const [own] = ranks;
  if (rank === own) return MEASURED_METHODS[method]!;
  return rank === 2 * own! ? atTwice(method) : null;
}

/** What a method scored at twice the rank; null where it was not measured there with the factor of `--scale auto`. */
function atTwice(method: string): MeasuredMethod | null {
  const [asMerged, withFactor] = [MEASURED_RANKS.asMerged, MEASURED_RANKS.computed].map((by) => by[method]?.[TWICE]);
  return asMerged === undefined || withFactor === undefined ? null : { asMerged, withFactor, auto: true };
}

/** Whether a merge is of the kind that was measured, at whatever rank. */
export function isMeasured({ method, options, weights, ranks, modules }: Omit<MeasuredSet, "rank">): boolean {
  // Methods from outside may have any id.
  if (!Object.hasOwn(MEASURED_METHODS, method)) return false;
  if (weights.length < LEAST_ADAPTERS || weights.some((weight) => weight !== 1)) return false;
  if (ranks.size !== 1 || ofImageModel(modules)) return false;
  const usual = Object.entries(defaultsOf(methodById(method)) as object);
  return usual.every(([name, value]) => options[name] === value);
}
