import { MEASURED_METHODS } from "../../src/analysis/measured-methods.ts";
import { methodById } from "../../src/methods/registry.ts";
import type { MergeReport } from "../../src/report/report.ts";

/** What was measured: the seven adapters of one seed on all linear modules of minibench's Llama (docs/evidence.md), the example set. */
const MEASURED_SET = { base: "lora-lego/minibench-llama", adapters: 7, modules: 28, rank: 6 };

/** The accuracy in % that was measured for such a merge, of these adapters by this method at this rank; null if none was. */
export function measuredAccuracy({ inputs, options, autoScale, modules, totals }: MergeReport): number | null {
  const { base, adapters, modules: count, rank } = MEASURED_SET;
  const measured = MEASURED_METHODS[String(options.method)];
  const same =
    measured !== undefined &&
    inputs.length === adapters &&
    inputs.every(({ baseModel, weight }) => baseModel === base && weight === 1) &&
    totals.rank === rank &&
    totals.modules === count &&
    modules.every(({ inputRanks }) => inputRanks.every((own) => own === rank)) &&
    Object.entries(methodById(String(options.method)).parameters).every(
      ([name, { default: usual }]) => options[name] === usual,
    );
  if (!same) return null;
  if (autoScale !== null) return measured.auto ? measured.withFactor : null;
  return (options.scale ?? 1) === 1 ? measured.asMerged : null;
}
