import type { AdapterModule } from "../adapter/adapter.ts";
import { maximum } from "../core/maximum.ts";
import type { Method } from "../methods/method.ts";
import { plannedUnits } from "../methods/module-memory.ts";

/** A module as a method's ranks follow from it: the adapters that have it, with their ranks and its columns and rows. */
export interface ShapedParts {
  readonly parts: readonly { readonly input: number; readonly module: Pick<AdapterModule, "rank" | "in" | "out"> }[];
}

/** A method, as the ranks that it can write follow from it. */
export type RankedMethod = Pick<Method, "cut" | "fullRank" | "plannedRank">;

/**
 * The rank at which `--method auto` merges adapters if none is asked for, unless it takes a method that clusters: the largest of one, or,
 * if there are more adapters than that, twice it and at least their number, so that each has a direction of its own
 * (docs/methods/auto.md). Never more than that method can write.
 *
 * @param modules the parts of adapters that count
 */
export function autoRank(method: RankedMethod, modules: readonly ShapedParts[]): number {
  const ranks = modules.flatMap(({ parts }) => parts.map(({ module }) => module.rank));
  const acting = new Set(modules.flatMap(({ parts }) => parts.map(({ input }) => input)));
  return rankForEach(maximum(ranks), acting.size, mostRanks(method, modules));
}

/**
 * The largest rank that a method can write for some module: of its units, and no more than the module's rows and columns unless it clusters.
 *
 * @param acts whether each input counts; all do if it is not given
 */
export function mostRanks(method: RankedMethod, modules: readonly ShapedParts[], acts?: readonly boolean[]): number {
  return maximum(
    modules.map(({ parts }) => {
      const own = parts.filter(({ input }) => acts?.[input] ?? true).map(({ module }) => module);
      if (own.length === 0) return 0;
      const { in: inputs, out } = own[0]!;
      const rank = method.cut === "clusters" ? Number.POSITIVE_INFINITY : Math.min(inputs, out);
      const shape = { in: inputs, out, ranks: own.map((module) => module.rank) };
      return plannedUnits(method, { kind: "rank", rank }, shape);
    }),
  );
}

/**
 * @param usual the largest rank of an adapter
 * @param acting how many adapters count
 * @param most from `mostRanks`
 */
export function rankForEach(usual: number, acting: number, most: number): number {
  return Math.min(acting <= usual ? usual : Math.max(2 * usual, acting), most);
}
