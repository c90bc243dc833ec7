import { Command } from "commander";
import { UsageError } from "../core/errors.ts";
import { AUTO } from "../methods/auto.ts";
import { DEFAULT_METHOD, type Method } from "../methods/method.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { FIELD_NAMES, fieldsAmong, RECIPE_FIELDS, recipeOf, type SaidRecipe } from "../recipe/recipe-fields.ts";
import { severalAdaptersAmong } from "./adapter-paths.ts";
import { addFieldFlags } from "./field-flags.ts";
import { mergeAgain } from "./merge-again.ts";
import { addMethodFlags, methodOptions, refuseMethodFlags } from "./method-flags.ts";
import { addBaseOption, addOutputOptions, type OutputFlags } from "./output-flags.ts";
import { collectPath, parsePath } from "./parse-flags.ts";
import { addQueueOption } from "./queue-flag.ts";
import { runToFolder } from "./run-to-folder.ts";
import { SaidFlags } from "./said-flags.ts";

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
      "named set of the method's options, which other flags override: paper gives lego the settings of its paper",
    );
  addFieldFlags(
    command,
    FIELD_NAMES.filter((name) => !OF_ONE.includes(name)),
    {
      scale: {
        help: `${RECIPE_FIELDS.scale.help} (default: auto for --method auto, else 1)`,
      },
    },
  );
  addBaseOption(command);
  addOutputOptions(command);
  command.option(
    "--profile <file>",
    "also write what each thread did when, as a trace for chrome://tracing or ui.perfetto.dev",
    parsePath,
  );
  addQueueOption(command);
  command.addHelpText(
    "after",
    `
Options of a method: lora-lego merge --method <id> --help

Examples:
  lora-lego merge math/ med/ finance/ --out merged
  lora-lego merge math/ med/ --weights 2,1 --rank 16 --out merged
  lora-lego merge math/ med/ --method cat --out exact-sum
  lora-lego merge math/ med/ --method lego --preset paper --out merged
  lora-lego merge math/ med/ --exclude "layers.0.**" --module-weights v_proj=1,0.5 --out merged
  lora-lego merge style.safetensors face.safetensors --out both.safetensors
  lora-lego merge math/ med/ --for llamacpp --base-config llama/config.json --out merged.gguf`,
  );
  const words = argv[0] === "help" ? argv.slice(1) : argv;
  let ofMethod: string[] = [];
  // Only a merge loads the registry.
  if (words[0] === "merge") {
    const { METHODS, methodById } = await import("../methods/registry.ts");
    const id = methodIdAmong(words);
    if (id === AUTO) refuseMethodFlags(command, METHODS, null);
    else {
      const method = methodById(id);
      addMethodFlags(command, method);
      refuseMethodFlags(command, METHODS, method);
      ofMethod = Object.keys(method.parameters);
    }
  }
  const said = new SaidFlags(command);
  return command.action(async (paths: string[], flags: MergeFlags) => {
    const adapters = await severalAdaptersAmong(paths);
    const again = (out: string) => mergeAgain(command, said, adapters, out, ofMethod);
    await runToFolder(adapters, await recipeOfFlags(flags), flags, again);
  });
}

async function recipeOfFlags(flags: MergeFlags): Promise<Recipe> {
  const { METHODS, methodById } = await import("../methods/registry.ts");
  const method = flags.method === AUTO ? { id: AUTO, parameters: {} } : methodById(flags.method);
  const preset = flags.preset === undefined ? {} : presetOptions(method, flags.preset, METHODS);
  // The plan checks it.
  return { ...recipeOf(fieldsAmong(flags)), options: { ...preset, ...methodOptions(method, { ...flags }) } } as Recipe;
}

/** The method named by the arguments, before they are parsed. */
function methodIdAmong(argv: readonly string[]): string {
  const at = argv.findIndex((word) => /^(--method|--method=.*|-m.*)$/.test(word));
  if (at === -1) return DEFAULT_METHOD;
  const [, own] = /^(?:--method=|-m)(.+)$/.exec(argv[at]!) ?? [];
  return own ?? argv[at + 1] ?? DEFAULT_METHOD;
}

type Presets = Pick<Method, "id" | "presets">;

/** The options of a preset. @throws UsageError for a name that the method does not know */
function presetOptions({ id, presets = {} }: Presets, name: string, methods: readonly Presets[]): object {
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (preset !== undefined) return preset as object;
  const owner = methods.find((method) => Object.hasOwn(method.presets ?? {}, name));
  if (id === AUTO && owner !== undefined) {
    throw new UsageError(`The preset ${name} belongs to ${owner.id}; add --method ${owner.id}.`);
  }
  const there = Object.keys(presets);
  throw new UsageError(
    there.length === 0
      ? `${id} has no presets; leave --preset out.`
      : `${id} has no preset ${name}; its presets are ${there.join(", ")}.`,
  );
}
