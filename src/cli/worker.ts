import { availableParallelism } from "node:os";
import { Command } from "commander";
import { collectPath, parseCount, parsePath } from "./parse-flags.ts";
import { addQueueOption } from "./queue-flag.ts";
import { sayLine } from "./terminal.ts";
import { untilInterrupted } from "./until-interrupted.ts";

interface WorkerFlags {
  readonly queue: string;
  readonly lanes?: number;
  readonly cache?: string;
  readonly root?: readonly string[];
}

/** `lora-lego worker`: do the jobs of merges and scores that other machines put into a queue. */
export async function workerCommand(): Promise<Command> {
  const command = new Command("worker").description(
    "take jobs of bench, tune and merge --queue from a queue, until it is interrupted",
  );
  addQueueOption(command, true);
  return command
    .option("--lanes <n>", "how many jobs to do at once (default: all cores)", parseCount)
    .option("--cache <dir>", "folder for finished scores (default: kept as long as the worker runs)", parsePath)
    .option(
      "--root <path>",
      "folder below which it may read and write, or https:// address below which it may read (repeatable; default: the working folder)",
      collectPath,
    )
    .addHelpText(
      "after",
      "\nWhat machines share, and how faults are met: docs/distributed.md\n\nExample:\n  lora-lego worker --queue redis://host:6379 --root /shared --root https://files.example.org/adapters/",
    )
    .action(async ({ queue, lanes = availableParallelism(), cache, root = ["."] }: WorkerFlags) => {
      const { runWorker } = await import("../queue/worker.ts");
      await untilInterrupted((signal) =>
        runWorker({ url: queue, roots: root, lanes, cache: cache ?? null, signal, onNotice: (text) => sayLine(text) }),
      );
    });
}
