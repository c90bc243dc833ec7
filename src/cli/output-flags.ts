import { type Command, Option } from "commander";
import type { FormatId } from "../convert/formats.ts";
import { formatById, formatsInWords } from "../convert/forms.ts";
import type { MergeOptions } from "../node/merge-adapters.ts";
import { parseCount, parsePath } from "./parse-flags.ts";
import { showDownload } from "./progress.ts";
import { sayLine } from "./terminal.ts";

/** Flags of every command that writes an adapter. */
export interface OutputFlags {
  /** Only a dry run does without. */
  readonly out?: string;
  readonly to?: FormatId;
  readonly baseConfig?: string;
  readonly base?: string;
  readonly threads?: number;
  readonly report?: string;
  readonly dryRun?: true;
  readonly force?: true;
  readonly stream?: true;
  readonly json?: true;
  readonly quiet?: true;
  /** Of merge alone. */
  readonly queue?: string;
  readonly profile?: string;
}

/** The help text of `--out`. */
export const OUT_HELP =
  "folder to write, or a file if the name ends in .safetensors or .gguf; appears complete or not at all";

/** Add the flags that say in which format an adapter is written. */
export function addFormatOptions(command: Command): void {
  command
    .option(
      "--to <format>",
      `format to write: ${formatsInWords()} (default: peft for a folder; for a file, it follows from the file's name and the adapters)`,
      formatById,
    )
    .option(
      "--base-config <path>",
      "config.json of the base model, or the folder that holds it; gguf needs it for names and rows, mlx for renamed modules, embeddings, heads and experts",
      parsePath,
    );
}

/** Add the flag that names the base model, for commands that merge. */
export function addBaseOption(command: Command): void {
  command.option("--base <dir>", "folder of the base model in safetensors, which --dora bake needs", parsePath);
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
    .option("-o, --out <path>", `${OUT_HELP}; --dry-run needs none`, parsePath)
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
    .option(
      "--stream",
      "read adapters on servers (hf://..., https://...) with range requests instead of downloading them",
    )
    .option("--json", "print the report as JSON on stdout")
    .option("-q, --quiet", "print warnings and errors alone");
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
    ...(flags.base !== undefined && { base: flags.base }),
    ...(flags.threads !== undefined && { threads: flags.threads }),
    ...(flags.report !== undefined && { report: flags.report }),
    ...(flags.profile !== undefined && { profile: flags.profile }),
  };
}
