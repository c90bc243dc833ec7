import { ofImageModel } from "../adapter/names/components.ts";
import { MEASURED_METHODS, type MeasuredMethod } from "./measured-methods.ts";

/** Two adapters were measured apart, and keep other methods best. */
const LEAST_ADAPTERS = 3;

/** A merge as what was measured applies to it or not. */
export interface MeasuredSet {
  readonly method: string;
  /** The largest rank of the result. */
  readonly rank: number;
  readonly modules: readonly string[];
  /** How many adapters were merged, and the ranks that they have. */
  readonly adapters: number;
  readonly ranks: ReadonlySet<number>;
}

/**
 * What the method of a merge scored; null where the merge is of another kind than those that were measured: several adapters of a language
 * model that have one rank, merged at that rank.
 */
export function measuredOf({ method, rank, modules, adapters, ranks }: MeasuredSet): MeasuredMethod | null {
  // Methods from outside may have any id.
  if (!Object.hasOwn(MEASURED_METHODS, method)) return null;
  const [own] = ranks;
  if (adapters < LEAST_ADAPTERS || ranks.size !== 1 || own !== rank || ofImageModel(modules)) return null;
  return MEASURED_METHODS[method]!;
}
