import { Command } from "commander";
import type { Evaluated } from "../node/evaluate.ts";
import { collectPath, parseCount, parsePath } from "./parse-flags.ts";
import { showDownload, showProgress } from "./progress.ts";
import { table } from "./table.ts";
import { printJson, printLines } from "./terminal.ts";
import { untilInterrupted } from "./until-interrupted.ts";

interface EvalFlags {
  readonly base: string;
  readonly adapter?: string[];
  readonly tasks: string[];
  readonly glue?: string;
  readonly limit?: number;
  readonly threads?: number;
  readonly json?: true;
  readonly quiet?: true;
}

/** `lora-lego eval`: how well a base model with adapters does on tasks, run with llama.cpp. */
export async function evalCommand(): Promise<Command> {
  return new Command("eval")
    .description("score a base model and adapters on task rows with llama.cpp (package node-llama-cpp)")
    .requiredOption(
      "--base <path>",
      "GGUF file of the base model, or its folder (llama, mistral, qwen2, gpt2)",
      parsePath,
    )
    .option("--adapter <path>", "adapter in any supported format, scored alone on the base (repeatable)", collectPath)
    .requiredOption(
      "--tasks <file>",
      "rows {prompt, choices, answer} as JSON Lines, or a GLUE .tsv (repeatable)",
      collectPath,
    )
    .option("--glue <task>", "GLUE task of the .tsv files: cola, sst2, mrpc, qqp, qnli, mnli, snli, rte or wnli")
    .option("--limit <n>", "use only the first n rows of each task", parseCount)
    .option("--threads <n>", "threads for llama.cpp (default: all cores)", parseCount)
    .option("--json", "print all scores as JSON on stdout")
    .option("-q, --quiet", "print the scores and errors alone")
    .addHelpText(
      "after",
      "\nExamples:\n  lora-lego eval --base base.gguf --adapter merged/ --adapter math/ --tasks tasks.jsonl\n  lora-lego eval --base base.gguf --adapter merged/ --tasks RTE/dev.tsv --glue rte",
    )
    .action(async (flags: EvalFlags) => {
      const { evaluate, readTaskFiles } = await import("../node/evaluate.ts");
      const { glue, limit } = flags;
      const rows = readTaskFiles(flags.tasks, {
        ...(glue !== undefined && { glue }),
        ...(limit !== undefined && { limit }),
      });
      const progress = await showProgress(flags.json ?? flags.quiet ?? false, "scoring", "rows");
      const evaluated = await untilInterrupted((signal) =>
        evaluate({
          base: flags.base,
          adapters: flags.adapter ?? [],
          rows,
          signal,
          onProgress: progress.onProgress,
          onDownload: showDownload,
          ...(flags.threads !== undefined && { threads: flags.threads }),
        }),
      ).finally(progress.stop);
      if (flags.json) printJson(evaluated);
      else printLines(scoreTable(evaluated));
    });
}

/** Accuracies in per cent, one line for the base and one for each adapter. */
function scoreTable(evaluated: readonly Evaluated[]): string[] {
  const tasks = Object.keys(evaluated[0]!.tasks);
  const percent = (share: number): string => (100 * share).toFixed(1);
  const lines = evaluated.map(({ adapter, tasks: scores, average }) => [
    adapter ?? "(base)",
    ...tasks.map((task) => percent(scores[task]!.accuracy)),
    ...(tasks.length > 1 ? [percent(average)] : []),
  ]);
  const counts = tasks.map((task) => `${task} ${evaluated[0]!.tasks[task]!.rows}`).join(", ");
  const head = ["accuracy in %", ...tasks, ...(tasks.length > 1 ? ["average"] : [])];
  return [...table(head, lines), `Rows: ${counts}.`];
}
