import type { Adapter } from "../../adapter/adapter.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import type { Fix, Warning } from "../../plan/warning.ts";
import { fittingRank, LEAST_ROOM, type RankNeeds } from "../../report/rank-rule.ts";
import { energiesOf } from "./energies-of.ts";

/**
 * Warnings whose remedies change how much each adapter counts, with the rank that then fits: the modules are read again for each, since
 * the sum that a rank has to hold is another one.
 *
 * @param rank that the merge was made at
 * @param needsOf what a rank has to hold, by whether the method clusters units
 */
export async function fittedFixes(
  kernels: Kernels,
  adapters: readonly Adapter[],
  warnings: readonly Warning[],
  rank: number,
  needsOf: (clusters: boolean) => RankNeeds,
  clusters: boolean,
): Promise<Warning[]> {
  const fitted = async (fix: Fix): Promise<Fix> => {
    const counts = adapters.map((_, t) =>
      fix.leaves?.includes(t) ? 0 : (fix.weights?.[t] ?? 1) * (fix.sizes?.[t] ?? 1),
    );
    const forEnergy = (await energiesOf(kernels, adapters, counts)).rankFor(LEAST_ROOM);
    const needs = needsOf(clusters && fix.method === undefined);
    const { rank: fitting } = fittingRank({ ...needs, forEnergy });
    return fitting > rank ? { ...fix, rank: fitting } : fix;
  };
  const all: Warning[] = [];
  for (const { fix, instead, without, ...warning } of warnings) {
    all.push({
      ...warning,
      ...(fix !== undefined && { fix: await fitted(fix) }),
      ...(instead !== undefined && { instead: await fitted(instead) }),
      ...(without !== undefined && { without: await fitted(without) }),
    });
  }
  return all;
}
