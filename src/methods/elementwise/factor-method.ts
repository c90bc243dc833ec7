import type { LiveUnits } from "../../units/live-units.ts";
import { largestRank, type MergedModule, type MergeRequest, type Method } from "../method.ts";

/** What differs between methods that merge the factors entry by entry. */
export interface FactorMethod<Options> extends Pick<Method<Options>, "id" | "title" | "reference" | "parameters"> {
  merge(pool: LiveUnits, options: Options): Promise<MergedModule>;
}

/** A method that merges A_t and B_t of adapters of one rank entry by entry (`mergeFactors`); inner products take no part. */
export function factorMethod<Options>({ merge, ...own }: FactorMethod<Options>): Method<Options> {
  const run = (pool: LiveUnits, { options }: MergeRequest<Options>): Promise<MergedModule> => merge(pool, options);
  return {
    ...own,
    dependsOn: "factors",
    single: "exact at density 1",
    weights: "linear",
    needs: { equalRanks: true },
    precise: () => false,
    yields: "rows",
    cut: "svd",
    defaultTarget: (largest) => ({ kind: "rank", rank: largest }),
    fullRank: largestRank,
    merge: run,
    many: { merge: run },
  };
}
