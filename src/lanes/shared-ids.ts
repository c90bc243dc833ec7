import type { UnitId } from "../adapter/adapter.ts";
import type { ModuleResult } from "./merger.ts";

/**
 * Gives equal unit numbers one array: every module lists all its units, and hundreds of adapters have as many in each of hundreds of
 * modules.
 */
export class SharedIds {
  readonly #known: UnitId[][] = [];

  /** The same result, its units shared with those before. */
  in(result: ModuleResult): ModuleResult {
    const { clusters, dead } = result;
    return {
      ...result,
      dead: this.#all(dead),
      clusters: clusters?.map((cluster) => ({ ...cluster, members: this.#all(cluster.members) })) ?? null,
    };
  }

  #all(ids: readonly UnitId[]): UnitId[] {
    return ids.map((id) => {
      const [input, unit] = id;
      this.#known[input] ??= [];
      this.#known[input]![unit] ??= id;
      return this.#known[input]![unit]!;
    });
  }
}
