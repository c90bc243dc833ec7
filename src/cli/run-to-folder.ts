import type { Command } from "commander";
import type { Recipe } from "../merge/recipe.ts";
import { printWarnings } from "./failure.ts";
import { parseCount, parsePath } from "./parse-flags.ts";
import { showDownload, showProgress } from "./progress.ts";
import { printJson, sayLine } from "./terminal.ts";

/** Flags of every command that writes an adapter. */
export interface OutputFlags {
  readonly out: string;
  readonly threads?: number;
  readonly report?: string;
  readonly dryRun?: true;
  readonly force?: true;
  readonly stream?: true;
  readonly json?: true;
}

/** Add the flags of a command that writes an adapter. */
export function addOutputOptions(command: Command): void {
  command
    .requiredOption("--out <dir>", "folder to write; appears complete or not at all", parsePath)
    .option("--report <file>", "also write the report as JSON", parsePath);
  addRunOptions(command);
}

/** Add the flags that say how a merge is run, whatever it is. */
export function addRunOptions(command: Command): void {
  command
    .option("--threads <n>", "worker threads (default: all cores, one for small adapters)", parseCount)
    .option("--dry-run", "say what would be written, and write nothing")
    .option("--force", "replace a folder that lora-lego wrote")
    .option("--stream", "read adapters on the Hub (hf://...) by range instead of downloading them")
    .option("--json", "print the report as JSON on stdout");
}

/** Carry out a recipe as the flags say: merge into the folder, or only plan. */
export async function runToFolder(paths: readonly string[], recipe: Recipe, flags: OutputFlags): Promise<void> {
  if (flags.dryRun) return dryRun(paths, recipe, flags);
  const { mergeToFolder } = await import("../node/merge-to-folder.ts");
  const progress = await showProgress(flags.json ?? false);
  const { report } = await untilInterrupted((signal) =>
    mergeToFolder(paths, recipe, {
      out: flags.out,
      force: flags.force ?? false,
      signal,
      onProgress: progress.onProgress,
      onNotice: (text) => sayLine(text),
      onDownload: showDownload,
      stream: flags.stream ?? false,
      ...(flags.threads !== undefined && { threads: flags.threads }),
      ...(flags.report !== undefined && { report: flags.report }),
    }),
  ).finally(progress.stop);
  printWarnings(report.warnings);
  if (flags.json) printJson(report);
  else (await import("./print-report.ts")).printReport(report, flags.out);
}

/** Signals that ask a process to end; SIGHUP comes when its terminal is closed. */
const INTERRUPTIONS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Do work that ends early, and cleans up, when the process is asked to end. */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const signal of INTERRUPTIONS) process.once(signal, onSignal);
  try {
    return await work(stop.signal);
  } finally {
    for (const signal of INTERRUPTIONS) process.off(signal, onSignal);
  }
}

async function dryRun(paths: readonly string[], recipe: Recipe, flags: OutputFlags): Promise<void> {
  const { inputPaths, openAdapters } = await import("../node/adapter-path.ts");
  const { makePlan } = await import("../merge/plan.ts");
  const { OutputFolder } = await import("../node/output-folder.ts");
  const { checkReport } = await import("../node/report-file.ts");
  const opened = await openAdapters(paths, { onDownload: showDownload, stream: flags.stream ?? false });
  try {
    const { report, force = false } = flags;
    const inputs = inputPaths(paths, opened);
    const target = OutputFolder.check(flags.out, inputs, force);
    if (report !== undefined) checkReport(report, target, { inputs, force });
    const plan = makePlan(
      opened.map(({ adapter }) => adapter),
      recipe,
    );
    printWarnings(plan.warnings);
    if (flags.json) printJson(plan);
    else (await import("./print-report.ts")).printPlan(plan, flags.out);
  } finally {
    for (const adapter of opened) adapter.close();
  }
}
