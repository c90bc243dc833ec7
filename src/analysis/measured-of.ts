import { ofImageModel } from "../adapter/names/components.ts";
import { defaultsOf } from "../methods/method.ts";
import { methodById } from "../methods/registry.ts";
import { MEASURED_METHODS, type MeasuredMethod } from "./measured-methods.ts";

/** Two adapters were measured apart, and keep other methods best. */
const LEAST_ADAPTERS = 3;

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
 * model that have one rank, merged at that rank with weights of 1 and the method's defaults.
 */
export function measuredOf(merge: MeasuredSet): MeasuredMethod | null {
  const { method, options, weights, ranks, modules, rank } = merge;
  // Methods from outside may have any id.
  if (!Object.hasOwn(MEASURED_METHODS, method)) return null;
  const [own] = ranks;
  if (weights.length < LEAST_ADAPTERS || weights.some((weight) => weight !== 1)) return null;
  if (ranks.size !== 1 || own !== rank || ofImageModel(modules)) return null;
  const usual = Object.entries(defaultsOf(methodById(method)) as object);
  return usual.every(([name, value]) => options[name] === value) ? MEASURED_METHODS[method]! : null;
}
