import { type Command, Option } from "commander";
import type { FormatId } from "../adapter/consumers.ts";
import type { MergeOptions } from "../node/merge-adapters.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { printWarnings } from "./failure.ts";
import { parseCount, parsePath } from "./parse-flags.ts";
import { showDownload, showProgress } from "./progress.ts";
import { printJson, sayLine } from "./terminal.ts";

/** Flags of every command that writes an adapter. */
export interface OutputFlags {
  readonly out: string;
  readonly to?: FormatId;
  readonly baseConfig?: string;
  readonly threads?: number;
  readonly report?: string;
  readonly dryRun?: true;
  readonly force?: true;
  readonly stream?: true;
  readonly json?: true;
}

/** What `--out` is, for help. */
export const OUT_HELP =
  "folder to write, or file where the name ends in .safetensors or .gguf; appears complete or not at all";

/** Add the flags that say in which format an adapter is written. */
export function addFormatOptions(command: Command): void {
  command
    .option(
      "--to <format>",
      "format to write: peft, diffusers or mlx (a folder), kohya, diffusers or comfyui (a .safetensors file), gguf (a .gguf file) (default: peft for a folder; for a file, what its name and the adapters say)",
    )
    .option(
      "--base-config <file>",
      "config.json of the base model, which gguf needs for names and rows, and mlx for names that are others there, embeddings, heads and experts",
      parsePath,
    );
}

/** Add `--extras` of commands that write one adapter, which keeps its own where it can. */
export function addCarriedExtras(command: Command): void {
  command.addOption(
    new Option("--extras <policy>", "what to do with heads and biases where the format cannot carry them")
      .choices(["error", "drop"])
      .default("error"),
  );
}

/** Add the flags of a command that writes an adapter. */
export function addOutputOptions(command: Command): void {
  command
    .requiredOption("--out <path>", OUT_HELP, parsePath)
    .option("--report <file>", "also write the report as JSON", parsePath);
  addRunOptions(command);
}

/** Add the flags that say how a merge is run, whatever it is. */
export function addRunOptions(command: Command): void {
  addFormatOptions(command);
  command
    .option("--threads <n>", "worker threads (default: all cores, one for small adapters)", parseCount)
    .option("--dry-run", "say what would be written, and write nothing")
    .option("--force", "replace a folder that lora-lego wrote, or a file")
    .option("--stream", "read adapters on the Hub (hf://...) by range instead of downloading them")
    .option("--json", "print the report as JSON on stdout");
}

/** Carry out a recipe as the flags say: merge into the output, or only plan. */
export async function runToFolder(paths: readonly string[], recipe: Recipe, flags: OutputFlags): Promise<void> {
  if (flags.dryRun) return dryRun(paths, recipe, flags);
  const { mergeAdapters } = await import("../node/merge-adapters.ts");
  const progress = await showProgress(flags.json ?? false);
  const { report, format } = await untilInterrupted((signal) =>
    mergeAdapters(paths, recipe, { ...outputOf(flags), out: flags.out, signal, onProgress: progress.onProgress }),
  ).finally(progress.stop);
  printWarnings(report.warnings);
  if (flags.json) printJson(report);
  else (await import("./print-report.ts")).printReport(report, flags.out, format);
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
  const { planMergedOutput } = await import("../node/merge-adapters.ts");
  const planned = await planMergedOutput(paths, recipe, { ...outputOf(flags), out: flags.out });
  printWarnings(planned.plan.warnings);
  if (flags.json) printJson(planned.plan);
  else (await import("./print-report.ts")).printPlan(planned, flags.out);
}

/** The options of the library that the flags of every command that writes a merge stand for. */
export function outputOf(flags: Omit<OutputFlags, "out">): Omit<MergeOptions, "out"> {
  return {
    force: flags.force ?? false,
    onNotice: (text: string) => sayLine(text),
    onDownload: showDownload,
    stream: flags.stream ?? false,
    ...(flags.to !== undefined && { to: flags.to }),
    ...(flags.baseConfig !== undefined && { baseConfig: flags.baseConfig }),
    ...(flags.threads !== undefined && { threads: flags.threads }),
    ...(flags.report !== undefined && { report: flags.report }),
  };
}
