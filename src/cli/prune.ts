import { Command, Option } from "commander";
import { UsageError } from "../core/errors.ts";
import type { DtypeChoice, RankLayout } from "../merge/recipe.ts";
import { DTYPE_CHOICES, RANK_LAYOUTS } from "../merge/recipe.ts";
import { parseCount, parseShare } from "./numbers.ts";
import { addOutputOptions, type OutputFlags, runToFolder } from "./run-to-folder.ts";

interface PruneFlags extends OutputFlags {
  readonly keep?: number;
  readonly rank?: number;
  readonly dtype: DtypeChoice;
  readonly rankLayout: RankLayout;
}

/** `lora-lego prune`: one adapter to fewer ranks, by clustering its own units. */
export async function pruneCommand(): Promise<Command> {
  const command = new Command("prune")
    .description("shrink one adapter by clustering its own units")
    .argument("<adapter>", "folder (or .safetensors file) of a PEFT LoRA adapter")
    .option("--keep <share>", "share of each module's units to keep, as 0.5", parseShare)
    .option("--rank <k>", "rank to keep in every module", parseCount)
    .addOption(new Option("--dtype <type>", "element type of the result").choices(DTYPE_CHOICES).default("auto"))
    .addOption(
      new Option("--rank-layout <layout>", "each module its own rank, or one for all")
        .choices(RANK_LAYOUTS)
        .default("pattern"),
    );
  addOutputOptions(command);
  command.addHelpText("after", "\nExample:\n  lora-lego prune math/ --keep 0.5 --out math-half");
  return command.action(async (path: string, { keep, rank, dtype, rankLayout, ...flags }: PruneFlags) => {
    if ((keep === undefined) === (rank === undefined)) throw new UsageError("Pass either --keep or --rank.");
    const target =
      keep === undefined ? ({ kind: "rank", rank: rank! } as const) : ({ kind: "share", share: keep } as const);
    await runToFolder([path], { method: "lego", target, dtype, rankLayout }, flags);
  });
}
