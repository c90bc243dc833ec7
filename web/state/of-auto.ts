import { chooseMethod } from "../../src/methods/auto.ts";
import type { MergeReport } from "../../src/report/report.ts";
import { MAX_UNITS } from "../../src/units/memory.ts";

/** Whether a merge of several adapters is the one that `--method auto` makes, as far as method and factor go. */
export function isOfAuto({ inputs, options, autoScale, modules, totals }: MergeReport): boolean {
  const acting = totals.shares.filter((share) => share !== null).length;
  const crowded = modules.some(
    ({ inputRanks }) => inputRanks.reduce<number>((sum, rank) => sum + (rank ?? 0), 0) > MAX_UNITS,
  );
  const { method, scale } = chooseMethod(acting, crowded);
  const factor = autoScale === null ? (options.scale ?? 1) : "auto";
  return inputs.length > 1 && options.method === method && factor === scale;
}
