import { Command } from "commander";
import { parseCount, parsePath } from "./parse-flags.ts";
import { showProgress } from "./progress.ts";
import { addQueueOption, queueControl, refuseThreads } from "./queue-flag.ts";
import { printJson, printLines, sayLine } from "./terminal.ts";
import { untilInterrupted } from "./until-interrupted.ts";

interface BenchFlags {
  readonly config: string;
  readonly out?: string;
  readonly force?: true;
  readonly cache?: string;
  readonly limit?: number;
  readonly threads?: number;
  readonly json?: true;
  readonly quiet?: true;
  readonly queue?: string;
}

/** `lora-lego bench`: score many merges on many tasks. */
export async function benchCommand(): Promise<Command> {
  const command = new Command("bench")
    .description("merge adapters in many ways and score each merge on each task with llama.cpp")
    .requiredOption(
      "--config <file>",
      "YAML file that names the base model, tasks, adapters and merges (docs/bench.md)",
      parsePath,
    )
    .option("--out <file>", "write the tables as Markdown to this file (default: stdout)", parsePath)
    .option(
      "--cache <dir>",
      "folder for finished scores, from which an interrupted run resumes (default: next to the config)",
      parsePath,
    )
    .option("--limit <n>", "use only the first n rows of each task", parseCount)
    .option("--threads <n>", "threads for llama.cpp (default: all cores)", parseCount)
    .option("--force", "replace the --out file even if lora-lego did not write it")
    .option("--json", "print all results as JSON on stdout")
    .option("-q, --quiet", "print the results and errors alone");
  addQueueOption(command);
  return command
    .addHelpText("after", "\nExample:\n  lora-lego bench --config bench.yaml --out results.md")
    .action(async ({ config, json, quiet, force, queue, ...options }: BenchFlags) => {
      refuseThreads({ ...options, ...(queue !== undefined && { queue }) });
      const { benchPage, runBenchFile } = await import("../node/evaluate.ts");
      const silent = json ?? quiet ?? false;
      const progress = await showProgress(silent, "scoring", "parts");
      const result = await untilInterrupted(async (signal) => {
        const given = {
          ...options,
          force: force ?? false,
          signal,
          onProgress: progress.onProgress,
          onNotice: (text: string) => sayLine(text),
        };
        if (queue === undefined) return runBenchFile(config, given);
        const { benchQueued } = await import("../queue/score-queued.ts");
        return benchQueued(config, given, { url: queue, ...queueControl(silent, signal) });
      }, options.cache ?? `${config}.cache`).finally(progress.stop);
      if (json) printJson(result);
      else if (options.out === undefined) printLines(benchPage(result).trimEnd().split("\n"));
    });
}
