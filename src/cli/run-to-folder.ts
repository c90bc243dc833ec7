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

/** The help text of `--out`. */
export const OUT_HELP =
  "folder to write, or a file if the name ends in .safetensors or .gguf; appears complete or not at all";

/** Add the flags that say in which format an adapter is written. */
export function addFormatOptions(command: Command): void {
  command
    .option(
      "--to <format>",
      "format to write: peft, diffusers or mlx (a folder), kohya, diffusers or comfyui (a .safetensors file), gguf (a .gguf file) (default: peft for a folder; for a file, it follows from the file's name and the adapters)",
    )
    .option(
      "--base-config <file>",
      "config.json of the base model; gguf needs it for names and rows, mlx for renamed modules, embeddings, heads and experts",
      parsePath,
    );
}

/** Add `--extras` for commands that write one adapter, which keeps its extras where the format can carry them. */
export function addCarriedExtras(command: Command): void {
  command.addOption(
    new Option("--extras <policy>", "what to do with heads and biases that the format cannot carry")
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

/** Add the flags that say how any merge is run. */
export function addRunOptions(command: Command): void {
  addFormatOptions(command);
  command
    .option("--threads <n>", "worker threads (default: all cores, one for small adapters)", parseCount)
    .option("--dry-run", "show what would be written, but write nothing")
    .option("--force", "replace a folder that lora-lego wrote, or a file")
    .option("--stream", "read adapters on the Hub (hf://...) with range requests instead of downloading them")
    .option("--json", "print the report as JSON on stdout");
}

/** Carry out a recipe according to the flags: merge into the output, or only plan. */
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

/** Signals that ask a process to exit; SIGHUP is sent when its terminal closes. */
const INTERRUPTIONS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Do work that stops early and cleans up when the process is asked to exit. */
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

/** The library options for the flags that all commands that write a merge share. */
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
