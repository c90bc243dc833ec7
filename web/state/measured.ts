import { isMeasured } from "../../src/analysis/measured-of.ts";
import { MEASURED_RANKS } from "../../src/analysis/measured-ranks.ts";
import type { MergeReport } from "../../src/report/report.ts";

/** What was measured: the seven adapters of one seed on all linear modules of minibench's Llama (docs/evidence.md), the example set. */
const MEASURED_SET = { base: "lora-lego/minibench-llama", adapters: 7, modules: 28, rank: 6 };

/** The accuracy in % that was measured for such a merge, of these adapters by this method at this rank; null if none was. */
export function measuredAccuracy({ inputs, options, autoScale, modules, totals }: MergeReport): number | null {
  const { base, adapters, modules: count, rank } = MEASURED_SET;
  const method = String(options.method);
  const ranks = new Set(modules.flatMap(({ inputRanks }) => inputRanks.map((own) => own ?? 0)));
  const same =
    inputs.length === adapters &&
    inputs.every(({ baseModel }) => baseModel === base) &&
    ranks.has(rank) &&
    totals.modules === count &&
    isMeasured({
      method,
      options,
      weights: inputs.map(({ weight }) => weight),
      ranks,
      modules: modules.map(({ name }) => name),
    });
  if (!same || (autoScale === null && (options.scale ?? 1) !== 1)) return null;
  return MEASURED_RANKS[autoScale === null ? "asMerged" : "computed"][method]?.[totals.rank] ?? null;
}
