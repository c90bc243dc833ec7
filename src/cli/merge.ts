import { Command } from "commander";
import { UsageError } from "../core/errors.ts";
import { AUTO } from "../methods/auto.ts";
import { DEFAULT_METHOD, type Method } from "../methods/method.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { FIELD_NAMES, fieldsAmong, recipeOf, type SaidRecipe } from "../recipe/recipe-fields.ts";
import { addFieldFlags } from "./field-flags.ts";
import { addMethodFlags, methodOptions } from "./method-flags.ts";
import { addOutputOptions, type OutputFlags } from "./output-flags.ts";
import { collectPath } from "./parse-flags.ts";
import { runToFolder } from "./run-to-folder.ts";

interface MergeFlags extends OutputFlags, SaidRecipe {
  readonly method: string;
  readonly preset?: string;
}

/** Fields that only prune and resize take, which work on one adapter. */
const OF_ONE = ["keep"];

/** `lora-lego merge`: several adapters into one. */
export async function mergeCommand(argv: readonly string[]): Promise<Command> {
  const command = new Command("merge")
    .description("merge adapters into one")
    .argument("<adapter...>", "folders or files of LoRA adapters of one base model", collectPath)
    .option(
      "--preset <name>",
      "named set of method options, which other flags override: paper gives the settings of lego's paper",
    );
  addFieldFlags(
    command,
    FIELD_NAMES.filter((name) => !OF_ONE.includes(name)),
  );
  addOutputOptions(command);
  command.addHelpText(
    "after",
    `
Examples:
  lora-lego merge math/ med/ finance/ --out merged
  lora-lego merge math/ med/ --weights 2,1 --rank 16 --out merged
  lora-lego merge math/ med/ --method cat --out exact-sum
  lora-lego merge math/ med/ --exclude "layers.0.**" --module-weights v_proj=1,0.5 --out merged
  lora-lego merge style.safetensors face.safetensors --out both.safetensors
  lora-lego merge math/ med/ --for llamacpp --base-config llama/config.json --out merged.gguf`,
  );
  const words = argv[0] === "help" ? argv.slice(1) : argv;
  if (words[0] === "merge") addMethodFlags(command, await methodNamed(methodIdAmong(words)));
  return command.action(async (paths: string[], flags: MergeFlags) => {
    await runToFolder(paths, recipeOfFlags(flags, await methodNamed(flags.method)), flags);
  });
}

function recipeOfFlags(flags: MergeFlags, method: Pick<Method, "id" | "parameters" | "presets">): Recipe {
  const options = { ...(flags.preset && presetOptions(method, flags.preset)), ...methodOptions(method, { ...flags }) };
  // The plan checks it.
  return { ...recipeOf(fieldsAmong(flags)), options } as Recipe;
}

/** The method of this id. Only a merge loads the registry. */
async function methodNamed(id: string): Promise<Pick<Method, "id" | "parameters" | "presets">> {
  if (id === AUTO) return { id, parameters: {} };
  return (await import("../methods/registry.ts")).methodById(id);
}

/** The method named by the arguments, before they are parsed. */
function methodIdAmong(argv: readonly string[]): string {
  const at = argv.findIndex((word) => word === "--method" || word.startsWith("--method="));
  if (at === -1) return DEFAULT_METHOD;
  return argv[at]!.split("=")[1] ?? argv[at + 1] ?? DEFAULT_METHOD;
}

/** The options of a preset. @throws UsageError for a name that the method does not know */
function presetOptions({ id, presets = {} }: Pick<Method, "id" | "presets">, name: string): object {
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (preset !== undefined) return preset as object;
  const there = Object.keys(presets);
  throw new UsageError(
    there.length === 0
      ? `${id} has no presets; leave --preset out.`
      : `${id} has no preset ${name}; its presets are ${there.join(", ")}.`,
  );
}
