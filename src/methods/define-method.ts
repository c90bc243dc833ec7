import type { Pool } from "../units/pool.ts";
import { type MergedModule, type MergeRequest, type Method, sumOfRanks } from "./method.ts";
import type { Parameter } from "./parameters.ts";

/** The options that a table of parameters describes. */
export type OptionsOf<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends { readonly choices: readonly (infer Choice)[] }
    ? Choice
    : Table[Name] extends { readonly type: "boolean" }
      ? boolean
      : number;
};

/** Fields of a method that a definition may leave out. */
export type FilledField = "needs" | "precise" | "yields" | "cut" | "defaultTarget" | "fullRank";

/**
 * The definition of a method. Defaults: `needs` nothing in particular, sums in f32 are enough (`precise`), it `yields` combinations,
 * a result that is too large is `cut` by singular values, all units are kept if no rank is asked for (`defaultTarget`), and there
 * are at most as many as the adapters have together (`fullRank`).
 */
export interface MethodDefinition<Table extends Readonly<Record<string, Parameter>>>
  extends Omit<Method<OptionsOf<Table>>, FilledField | "parameters" | "merge">,
    Partial<Pick<Method<OptionsOf<Table>>, FilledField>> {
  /** Its options by name; default none. */
  readonly parameters?: Table;
  /** Like `Method.merge`: deterministic and independent of the order of the adapters. */
  merge(pool: Pool, request: MergeRequest<OptionsOf<Table>>): MergedModule | Promise<MergedModule>;
}

/**
 * Define a merge method of your own; `registerMethod` then makes it known. The types of its options follow from its parameters.
 *
 * @example
 * ```ts
 * import { defineMethod, scaledUnit } from "lora-lego";
 *
 * // The sum of the deltas, each adapter's share in it times `gain`.
 * const louder = defineMethod({
 *   id: "louder",
 *   title: "Sum times a gain",
 *   reference: "an example",
 *   dependsOn: "delta",
 *   single: "changes",
 *   weights: "linear",
 *   parameters: { gain: { type: "number", above: 0, default: 2, description: "what deltas are multiplied by" } },
 *   merge: (pool, { options }) => ({
 *     combinations: Array.from(pool.weights, (weight, i) => scaledUnit(i, 1, weight * options.gain)),
 *     rows: null,
 *   }),
 * });
 * console.log(louder.id, louder.cut); // louder svd
 * ```
 */
export function defineMethod<const Table extends Readonly<Record<string, Parameter>> = Record<never, Parameter>>(
  definition: MethodDefinition<Table>,
): Method<OptionsOf<Table>> {
  const method = {
    needs: {},
    parameters: {},
    precise: () => false,
    yields: "combinations",
    cut: "svd",
    defaultTarget: () => ({ kind: "full" }),
    fullRank: sumOfRanks,
    ...definition,
    merge: async (pool: Pool, request: MergeRequest<OptionsOf<Table>>) => definition.merge(pool, request),
  };
  return method as unknown as Method<OptionsOf<Table>>;
}
