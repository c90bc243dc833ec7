import { measuredOf } from "../../src/analysis/measured-of.ts";
import type { MergeReport } from "../../src/report/report.ts";

/** What was measured: the seven adapters of one seed on all linear modules of minibench's Llama (docs/evidence.md), the example set. */
const MEASURED_SET = { base: "lora-lego/minibench-llama", adapters: 7, modules: 28, rank: 6 };

/** The accuracy in % that was measured for such a merge, of these adapters by this method at this rank; null if none was. */
export function measuredAccuracy({ inputs, options, autoScale, modules, totals }: MergeReport): number | null {
  const { base, adapters, modules: count, rank } = MEASURED_SET;
  const measured = measuredOf({
    method: String(options.method),
    options,
    weights: inputs.map(({ weight }) => weight),
    ranks: new Set(modules.flatMap(({ inputRanks }) => inputRanks.map((own) => own ?? 0))),
    modules: modules.map(({ name }) => name),
    rank: totals.rank,
  });
  const same =
    inputs.length === adapters &&
    inputs.every(({ baseModel }) => baseModel === base) &&
    totals.rank === rank &&
    totals.modules === count;
  if (measured === null || !same) return null;
  if (autoScale !== null) return measured.auto ? measured.withFactor : null;
  return (options.scale ?? 1) === 1 ? measured.asMerged : null;
}
