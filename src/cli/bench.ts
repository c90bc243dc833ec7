import { Command } from "commander";
import { parseCount, parsePath } from "./parse-flags.ts";
import { showProgress } from "./progress.ts";
import { untilInterrupted } from "./run-to-folder.ts";
import { printJson, printLines, sayLine } from "./terminal.ts";

interface BenchFlags {
  readonly config: string;
  readonly out?: string;
  readonly force?: true;
  readonly cache?: string;
  readonly limit?: number;
  readonly threads?: number;
  readonly json?: true;
}

/** `lora-lego bench`: what each merge keeps of each task. */
export async function benchCommand(): Promise<Command> {
  return new Command("bench")
    .description("merge adapters in many ways and score what each keeps of each task, by llama.cpp")
    .requiredOption(
      "--config <file>",
      "YAML file of the base model, tasks, adapters and merges (docs/bench.md)",
      parsePath,
    )
    .option("--out <file>", "write the tables as Markdown to this file (default: stdout)", parsePath)
    .option(
      "--cache <dir>",
      "folder that keeps scores, so that an interrupted run goes on (default: beside the config)",
      parsePath,
    )
    .option("--limit <n>", "only so many rows of each task, from the top", parseCount)
    .option("--threads <n>", "threads of llama.cpp (default: the cores)", parseCount)
    .option("--force", "replace the file of --out also where lora-lego did not write it")
    .option("--json", "print all results as JSON on stdout")
    .addHelpText("after", "\nExample:\n  lora-lego bench --config bench.yaml --out results.md")
    .action(async ({ config, json, force, ...options }: BenchFlags) => {
      const { benchPage, runBenchFile } = await import("../node/evaluate.ts");
      const progress = await showProgress(json ?? false, "scoring", "parts");
      const result = await untilInterrupted((signal) =>
        runBenchFile(config, {
          ...options,
          force: force ?? false,
          signal,
          onProgress: progress.onProgress,
          onNotice: (text) => sayLine(text),
        }),
      ).finally(progress.stop);
      if (json) printJson(result);
      else if (options.out === undefined) printLines(benchPage(result).trimEnd().split("\n"));
    });
}
