import { Command, Option } from "commander";
import { DTYPE_CHOICES, type DtypeChoice, RANK_LAYOUTS, type RankLayout } from "../merge/recipe.ts";
import { parsePath } from "./numbers.ts";
import { addOutputOptions, type OutputFlags, runToFolder } from "./run-to-folder.ts";
import { addKeepOption, addRankOptions, requiredTarget, type TargetFlags } from "./target-flags.ts";

interface ShrinkFlags extends OutputFlags, TargetFlags {
  readonly method?: "svd" | "lego";
  readonly dtype: DtypeChoice;
  readonly rankLayout: RankLayout;
}

/** `lora-lego prune`: one adapter to fewer ranks, by clustering its own units. */
export async function pruneCommand(): Promise<Command> {
  const command = new Command("prune").description("shrink one adapter by clustering its own units");
  return shrinking(command, "lora-lego prune math/ --keep 0.5 --out math-half");
}

/** `lora-lego resize`: one adapter to another rank, by its singular values or by clustering. */
export async function resizeCommand(): Promise<Command> {
  const command = new Command("resize")
    .description("bring one adapter to another rank")
    .addOption(
      new Option("--method <id>", "keep the leading singular directions (svd), or cluster units (lego)")
        .choices(["svd", "lego"])
        .default("svd"),
    );
  return shrinking(command, "lora-lego resize math/ --energy sv_fro=0.95 --out math-small");
}

function shrinking(command: Command, example: string): Command {
  command.argument("<adapter>", "folder or file of a LoRA adapter", parsePath);
  addKeepOption(command);
  addRankOptions(command, "rank to keep in every module");
  command
    .addOption(new Option("--dtype <type>", "element type of the result").choices(DTYPE_CHOICES).default("auto"))
    .addOption(
      new Option("--rank-layout <layout>", "each module its own rank, or one for all")
        .choices(RANK_LAYOUTS)
        .default("pattern"),
    );
  addOutputOptions(command);
  command.addHelpText("after", `\nExample:\n  ${example}`);
  return command.action(async (path: string, flags: ShrinkFlags) => {
    const { method = "lego", dtype, rankLayout } = flags;
    await runToFolder([path], { method, target: requiredTarget(flags), dtype, rankLayout }, flags);
  });
}
