import { UsageError } from "../core/errors.ts";
import { methodById } from "../methods/registry.ts";
import { freeNames } from "../node/output/free-name.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { fixCommand, type MadeMerge } from "../report/fix-command.ts";
import { nextMerges } from "../report/next-merges.ts";
import { printWarnings, warnAgainst } from "./failure.ts";
import { type OutputFlags, outputOf } from "./output-flags.ts";
import { showProgress } from "./progress.ts";
import { queueControl, refuseThreads } from "./queue-flag.ts";
import { printJson } from "./terminal.ts";
import { untilInterrupted } from "./until-interrupted.ts";

/** The merge into an output, for the commands that mend it. */
type Again = (out: string) => MadeMerge;

/**
 * Carry out a recipe according to the flags: merge into the output, or only plan.
 *
 * @param again for commands whose merges may be made in other ways
 */
export async function runToFolder(
  paths: readonly string[],
  recipe: Recipe,
  flags: OutputFlags,
  again: Again | null = null,
): Promise<void> {
  const { out } = flags;
  refuseThreads(flags);
  if (flags.dryRun) return dryRun(paths, recipe, flags);
  if (out === undefined) {
    throw new UsageError("Say where to write with --out: a folder, or a file that ends in .safetensors or .gguf.");
  }
  const quiet = flags.json ?? flags.quiet ?? false;
  const progress = await showProgress(quiet);
  const stays = flags.queue === undefined ? null : `${out}.queue`;
  const { report, format, from } = await untilInterrupted(async (signal) => {
    const options = { ...outputOf(flags), out, signal, onProgress: progress.onProgress };
    if (flags.queue === undefined)
      return (await import("../node/merge-adapters.ts")).mergeAdapters(paths, recipe, options);
    const { mergeQueued } = await import("../queue/merge-queued.ts");
    return mergeQueued(paths, recipe, options, { url: flags.queue, ...queueControl(quiet, signal) });
  }, stays).finally(progress.stop);
  printWarnings(report.warnings);
  if (quiet) await (await import("./print-loading.ts")).warnOfProgram(out, from, recipe.for ?? null);
  if (flags.json) printJson(report);
  else if (!flags.quiet) {
    (await import("./print-report.ts")).printReport(report, out, format, recipe);
    const method = methodById(String(report.options.method));
    const made = again === null ? undefined : { ...again(out), method };
    const fixes = made === undefined ? [] : nextMerges(report);
    const next = fixes.map((fix) => ({ why: fix.why, how: fixCommand(fix, made!) }));
    await (await import("./print-ending.ts")).printEnding(report, out, {
      next,
      paths,
      from,
      made: recipe.for ?? null,
      written: flags.report ?? null,
      free: made?.free ?? freeNames(),
    });
  }
}

async function dryRun(paths: readonly string[], recipe: Recipe, flags: OutputFlags): Promise<void> {
  const { planMergedOutput } = await import("../node/merge-adapters.ts");
  const planned = await planMergedOutput(paths, recipe, {
    ...outputOf(flags),
    ...(flags.out !== undefined && { out: flags.out }),
  });
  printWarnings(planned.plan.warnings);
  warnAgainst(planned.against);
  if (flags.json) printJson(planned.plan);
  else if (!flags.quiet) (await import("./print-plan.ts")).printPlan(planned, flags.out ?? "The result", recipe);
}
