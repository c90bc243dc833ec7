import { Command, Option } from "commander";
import { UsageError } from "../core/errors.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { fieldsAmong, RANK_FIELDS, recipeOf, type SaidRecipe } from "../recipe/recipe-fields.ts";
import { addFieldFlags } from "./field-flags.ts";
import { addCarriedExtras, addOutputOptions, type OutputFlags } from "./output-flags.ts";
import { parsePath } from "./parse-flags.ts";
import { runToFolder } from "./run-to-folder.ts";

interface ShrinkFlags extends OutputFlags, SaidRecipe {}

/** `lora-lego prune`: reduce the rank of one adapter, by the best method for one. */
export async function pruneCommand(): Promise<Command> {
  const command = new Command("prune").description("shrink one adapter to fewer ranks");
  return shrinking(command, [
    "lora-lego prune math/ --keep 0.5 --out math-half",
    "lora-lego prune style.safetensors --rank 8 --out style-small.safetensors",
  ]);
}

/** `lora-lego resize`: change the rank of one adapter, by a method that says how it resizes. */
export async function resizeCommand(argv: readonly string[]): Promise<Command> {
  const command = new Command("resize").description("change the rank of one adapter");
  // Only this command loads the methods.
  if (argv.includes("resize")) {
    const { METHODS } = await import("../methods/registry.ts");
    const ways = METHODS.filter(({ resizes }) => resizes !== undefined);
    const help = ways.map(({ id, resizes }) => `${resizes} (${id})`).join(", or ");
    // The one that approximates the delta, however it is split into factors.
    const best = ways.find(({ dependsOn }) => dependsOn === "delta")!;
    command.addOption(new Option("--method <id>", help).choices(ways.map(({ id }) => id)).default(best.id));
  }
  return shrinking(command, [
    "lora-lego resize math/ --energy sv_fro=0.95 --out math-small",
    "lora-lego resize math/ --rank 8 --to gguf --base-config llama/config.json --out math.gguf",
  ]);
}

function shrinking(command: Command, examples: readonly string[]): Command {
  command.argument("<adapter>", "folder or file of a LoRA adapter", parsePath);
  addFieldFlags(command, [...RANK_FIELDS, "dtype", "rankLayout"], {
    rank: { help: "rank to keep in every module" },
    rankLayout: { help: "one rank, or each module its own", default: "pattern" },
  });
  addCarriedExtras(command);
  addOutputOptions(command);
  command.addHelpText("after", `\nExamples:\n  ${examples.join("\n  ")}`);
  return command.action(async (path: string, flags: ShrinkFlags) => {
    const recipe = recipeOf(fieldsAmong(flags));
    if (recipe.target === undefined) throw new UsageError("Pass one of --rank, --keep, --energy or --budget.");
    await runToFolder([path], recipe as Recipe, flags);
  });
}
