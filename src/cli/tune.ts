import { Command, InvalidArgumentError } from "commander";
import { freeNames } from "../node/output/free-name.ts";
import { severalAdaptersAmong } from "./adapter-paths.ts";
import { addFieldFlags } from "./field-flags.ts";
import { addCarriedExtras } from "./output-flags.ts";
import { printNext } from "./page.ts";
import { collectPath, parseCount, parseNumber, parsePath } from "./parse-flags.ts";
import { printLoading } from "./print-loading.ts";
import { showProgress } from "./progress.ts";
import { addQueueOption, queueControl, refuseThreads } from "./queue-flag.ts";
import { printJson, printLines, sayLine } from "./terminal.ts";
import { untilInterrupted } from "./until-interrupted.ts";
import { untunedInstead } from "./untuned-instead.ts";

interface TuneFlags {
  readonly base: string;
  readonly tasks: string[];
  readonly test?: string[];
  readonly out: string;
  readonly glue?: string;
  readonly budget?: number;
  readonly rank?: number;
  readonly prefer?: Readonly<Record<string, number>>;
  readonly seed?: number;
  readonly extras: "error" | "drop";
  readonly allowPartial?: true;
  readonly cache?: string;
  readonly limit?: number;
  readonly threads?: number;
  readonly force?: true;
  readonly json?: true;
  readonly quiet?: true;
  readonly queue?: string;
}

/** `lora-lego tune`: search for the merge that does best on a few rows. */
export async function tuneCommand(): Promise<Command> {
  const command = new Command("tune")
    .description("search for the merge that does best on a few task rows, scored with llama.cpp")
    .argument("<adapter...>", "folders or files of two or more adapters of one base model", collectPath)
    .requiredOption(
      "--base <path>",
      "GGUF file of the base model, or its folder (llama, mistral, qwen2, gpt2)",
      parsePath,
    )
    .requiredOption(
      "--tasks <file>",
      "rows to search on: {prompt, choices, answer} as JSON Lines, or a GLUE .tsv (repeatable)",
      collectPath,
    )
    .option(
      "--test <file>",
      "rows that are scored once, at the end (repeatable; default: a third of --tasks, kept out of the search)",
      collectPath,
    )
    .requiredOption("-o, --out <path>", "where to write the tuned merge, as for merge", parsePath)
    .option("--budget <n>", "how many merges to score (default: 200)", parseCount)
    .option("-r, --rank <n>", "rank of all merges (default: as merge chooses; twice that is tried too)", parseCount)
    .option("--prefer <task=number,...>", "how much tasks count, 1 for those left out", parsePrefer)
    .option("--seed <n>", "seed of the search (default: 0)", parseSeed)
    .option("--glue <task>", "GLUE task of the .tsv files: cola, sst2, mrpc, qqp, qnli, mnli, snli, rte or wnli")
    .option("--limit <n>", "search on only the first n rows of each task", parseCount)
    .option(
      "--cache <dir>",
      "folder for finished scores, from which a search resumes (default: <out>.cache)",
      parsePath,
    )
    .option("--threads <n>", "threads (default: all cores)", parseCount)
    .option("--force", "replace a folder that lora-lego wrote, or a file")
    .option("--json", "print what was found as JSON on stdout")
    .option("-q, --quiet", "print warnings and errors alone");
  addCarriedExtras(command);
  addFieldFlags(command, ["allowPartial"]);
  addQueueOption(command);
  return command
    .addHelpText(
      "after",
      "\nExample:\n  lora-lego tune math/ med/ finance/ --base base.gguf --tasks dev.jsonl --budget 200 --out tuned",
    )
    .action(async (paths: string[], { tasks, test, glue, limit, json, quiet, extras, queue, ...flags }: TuneFlags) => {
      refuseThreads({ ...flags, ...(queue !== undefined && { queue }) });
      const { readTaskFiles, tuneMerge, tunePage } = await import("../node/evaluate.ts");
      const read = glue === undefined ? {} : { glue };
      const rows = readTaskFiles(tasks, { ...read, ...(limit !== undefined && { limit }) });
      const silent = json ?? quiet ?? false;
      const progress = await showProgress(silent, "searching", "merges");
      const adapters = await severalAdaptersAmong(paths);
      const { merged, ...found } = await untilInterrupted(async (signal) => {
        const given = {
          ...flags,
          ...(extras === "drop" && { extras }),
          rows,
          ...(test !== undefined && { test: readTaskFiles(test, read) }),
          signal,
          onProgress: progress.onProgress,
          onNotice: (text: string) => sayLine(text),
        };
        if (queue === undefined) return tuneMerge(adapters, given);
        const { tuneQueued } = await import("../queue/score-queued.ts");
        return tuneQueued(adapters, given, { url: queue, ...queueControl(silent, signal) });
      }, flags.cache ?? `${flags.out}.cache`).finally(progress.stop);
      if (json) printJson({ ...found, report: merged.report });
      else if (!quiet) {
        printLines([...tunePage(found).trimEnd().split("\n"), "", `Written to ${flags.out}.`]);
        printNext(untunedInstead(adapters, flags.out, found));
        await printLoading(flags.out, merged.from, null, freeNames());
      }
    });
}

/** "math=2,med=0.5". */
function parsePrefer(text: string): Record<string, number> {
  return Object.fromEntries(
    text.split(",").map((part) => {
      const at = part.lastIndexOf("=");
      const count = parseNumber(part.slice(at + 1));
      if (at < 1 || count <= 0) {
        throw new InvalidArgumentError("Expected tasks and numbers above 0, such as math=2,med=0.5.");
      }
      return [part.slice(0, at), count];
    }),
  );
}

function parseSeed(text: string): number {
  const seed = parseNumber(text);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new InvalidArgumentError("Not a whole number from 0.");
  return seed;
}
