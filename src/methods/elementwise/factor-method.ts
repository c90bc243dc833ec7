import type { LiveUnits } from "../../units/live-units.ts";
import { stripColumns } from "../../units/memory.ts";
import {
  largestRank,
  type MergedModule,
  type MergeRequest,
  type Method,
  type ModuleShape,
  sumOfRanks,
} from "../method.ts";
import { searchBytes } from "./magnitude-select.ts";

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
    scratchBytes,
    merge: run,
    many: { merge: run },
  };
}

/**
 * Kernel memory in bytes: the uncut rows and their products; a strip of all tasks and their merge, with a row of draws; and the search for
 * each adapter's threshold.
 */
function scratchBytes({ in: inputs, out, ranks, rank }: ModuleShape): number {
  const units = sumOfRanks(ranks);
  const uncut = largestRank(ranks);
  const strip = 4 * stripColumns(units, inputs, out);
  return (
    uncut * (4 * (inputs + out) + 16 * (units + 2 * (uncut + rank)) + 64) +
    strip * (units + uncut + 1) +
    searchBytes(ranks.length, 1) +
    8 * ranks.length +
    256
  );
}
