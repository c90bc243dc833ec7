import { Command, Option } from "commander";
import { CONSUMER_IDS, type ConsumerId } from "../adapter/consumers.ts";
import type { DtypeChoice, ExtrasPolicy, ModuleWeights, RankLayout, Recipe } from "../merge/recipe.ts";
import { DTYPE_CHOICES, EXTRAS_POLICIES, RANK_LAYOUTS } from "../merge/recipe.ts";
import { AFTER_STEPS, type AfterStep } from "../methods/method.ts";
import { addMethodFlags, methodOptions, wantsMethodFlags } from "./method-flags.ts";
import { collect, collectPath, parseModuleWeights, parseNumber, parseNumbers } from "./numbers.ts";
import { addOutputOptions, type OutputFlags, runToFolder } from "./run-to-folder.ts";
import { addRankOptions, type TargetFlags, targetOf } from "./target-flags.ts";

interface MergeFlags extends OutputFlags, TargetFlags {
  readonly method: string;
  readonly preset?: "paper";
  readonly after?: AfterStep;
  readonly weights?: number[];
  readonly scale?: number;
  readonly dtype: DtypeChoice;
  readonly extras: ExtrasPolicy;
  readonly allowPartial?: true;
  readonly for?: ConsumerId;
  readonly rankLayout: RankLayout;
  readonly include?: string[];
  readonly exclude?: string[];
  readonly moduleWeights?: ModuleWeights[];
}

/** `lora-lego merge`: several adapters into one. */
export async function mergeCommand(argv: readonly string[]): Promise<Command> {
  const command = new Command("merge")
    .description("merge adapters into one")
    .argument("<adapter...>", "folders or files of LoRA adapters of one base model", collectPath)
    .option("--method <id>", "merge method (docs/methods describes each)", "lego")
    .addOption(
      new Option("--preset <name>", "the method as its paper defines it, but for options given beside it").choices([
        "paper",
      ]),
    )
    .addOption(
      new Option("--after <step>", "follow the method by singular value calibration (docs/methods/svc.md)").choices(
        AFTER_STEPS,
      ),
    )
    .option("--weights <list>", "one weight for each adapter, as 1,0.5,2 (default: 1 each)", parseNumbers)
    .option("--scale <x>", "multiply the merged delta by this", parseNumber)
    .addOption(new Option("--dtype <type>", "element type of the result").choices(DTYPE_CHOICES).default("auto"))
    .addOption(
      new Option("--extras <policy>", "what to do with heads, biases and other full tensors")
        .choices(EXTRAS_POLICIES)
        .default("error"),
    )
    .option("--allow-partial", "accept adapters that share no module or end at different layers")
    .addOption(
      new Option("--rank-layout <layout>", "one rank, or each module its own").choices(RANK_LAYOUTS).default("uniform"),
    )
    .addOption(
      new Option("--for <consumer>", "make rank and fields fit the program that is to load the result").choices(
        CONSUMER_IDS,
      ),
    )
    .option(
      "--include <pattern>",
      "merge only modules whose path ends so, as q_proj or layers.1*.** (repeatable)",
      collect,
    )
    .option("--exclude <pattern>", "leave such modules out (repeatable)", collect)
    .option(
      "--module-weights <pattern=list>",
      "weights for such modules, as q_proj=1,0.5 (repeatable, the last match counts)",
      parseModuleWeights,
    );
  addRankOptions(command, "rank of the result (default: the largest input rank; for exact sums the sum of the ranks)");
  addOutputOptions(command);
  command.addHelpText(
    "after",
    `
Examples:
  lora-lego merge math/ med/ finance/ --out merged
  lora-lego merge math/ med/ --weights 2,1 --rank 16 --out merged
  lora-lego merge math/ med/ --method cat --out exact-sum
  lora-lego merge math/ med/ --exclude "layers.0.**" --module-weights v_proj=1,0.5 --out merged`,
  );
  const words = argv[0] === "help" ? [...argv.slice(1), "--help"] : argv;
  if (words[0] === "merge" && wantsMethodFlags(command, words.slice(1))) {
    const { methodById } = await import("../methods/registry.ts");
    await addMethodFlags(command, methodById(methodNamed(words)));
  }
  return command.action(async (paths: string[], flags: MergeFlags) => {
    const { methodById } = await import("../methods/registry.ts");
    const method = methodById(flags.method);
    const target = targetOf(flags);
    const recipe: Recipe = {
      method: method.id,
      options: {
        ...(flags.preset && (await presetOptions(method.id))),
        ...(await methodOptions(method, { ...flags })),
      },
      dtype: flags.dtype,
      extras: flags.extras,
      rankLayout: flags.rankLayout,
      ...(target && { target }),
      ...(flags.after && { after: flags.after }),
      ...(flags.weights && { weights: flags.weights }),
      ...(flags.scale !== undefined && { scale: flags.scale }),
      ...(flags.for && { for: flags.for }),
      ...(flags.allowPartial && { allowPartial: true }),
      ...(flags.include && { include: flags.include }),
      ...(flags.exclude && { exclude: flags.exclude }),
      ...(flags.moduleWeights && { moduleWeights: flags.moduleWeights }),
    };
    await runToFolder(paths, recipe, flags);
  });
}

/** The method named by the arguments, before they are parsed. */
function methodNamed(argv: readonly string[]): string {
  const at = argv.findIndex((word) => word === "--method" || word.startsWith("--method="));
  if (at === -1) return "lego";
  return argv[at]!.split("=")[1] ?? argv[at + 1] ?? "lego";
}

async function presetOptions(method: string): Promise<object> {
  const { UsageError } = await import("../core/errors.ts");
  if (method !== "lego") throw new UsageError(`--preset paper is for --method lego; ${method} has no presets.`);
  return (await import("../methods/lego/options.ts")).PAPER;
}
