import { dirname } from "node:path";
import { Command, Option } from "commander";
import { plural } from "../core/plural.ts";
import { bytes, figure, percent, percentBeside } from "../core/shown.ts";
import { freeNames } from "../node/output/free-name.ts";
import type { DtypeChoice } from "../recipe/recipe.ts";
import { choicesOf, RECIPE_FIELDS } from "../recipe/recipe-fields.ts";
import { LEAST_ROOM } from "../report/rank-rule.ts";
import { printParagraph } from "./page.ts";
import { collect, parseCount, parsePath } from "./parse-flags.ts";
import { printLoading } from "./print-loading.ts";
import { showProgress } from "./progress.ts";
import { table } from "./table.ts";
import { printJson, printLine, printLines, sayLine } from "./terminal.ts";
import { untilInterrupted } from "./until-interrupted.ts";

interface ExtractFlags {
  readonly base: string;
  readonly tuned: string;
  readonly rank: number;
  readonly out: string;
  readonly dtype: DtypeChoice;
  readonly include?: string[];
  readonly exclude?: string[];
  readonly force?: true;
  readonly json?: true;
  readonly quiet?: true;
}

/** How many modules the table lists: those that lose most. */
const MOST_MODULES = 8;

/** `lora-lego extract`: a LoRA out of a full fine-tune. */
export async function extractCommand(): Promise<Command> {
  return new Command("extract")
    .description("extract a LoRA from a fully fine-tuned model")
    .requiredOption(
      "--base <dir>",
      "the model before tuning: a folder in safetensors, or one .safetensors file",
      parsePath,
    )
    .requiredOption("--tuned <dir>", "the model after tuning", parsePath)
    .requiredOption("--rank <k>", "rank of the LoRA", parseCount)
    .requiredOption("-o, --out <dir>", "folder to write; appears complete or not at all", parsePath)
    .addOption(
      new Option("--dtype <type>", "element type of the LoRA").choices(choicesOf(RECIPE_FIELDS.dtype)).default("auto"),
    )
    .option(
      "--include <pattern>",
      "extract only modules whose path ends with this, such as q_proj (repeatable)",
      collect,
    )
    .option("--exclude <pattern>", "leave out modules whose path ends with this (repeatable)", collect)
    .option("--force", "replace a folder that lora-lego wrote")
    .option("--json", "print what was extracted as JSON on stdout")
    .option("-q, --quiet", "print warnings and errors alone")
    .addHelpText(
      "after",
      "\nExample:\n  lora-lego extract --base models/llama --tuned models/llama-chat --rank 32 --out chat-lora",
    )
    .action(async ({ force, json, quiet, ...flags }: ExtractFlags) => {
      const { extractAdapter } = await import("../node/extract-adapter.ts");
      const progress = await showProgress(json ?? quiet ?? false, "extracting");
      const extracted = await untilInterrupted((signal) =>
        extractAdapter({
          ...flags,
          force: force ?? false,
          signal,
          onProgress: progress.onProgress,
          onNotice: (text) => sayLine(text),
        }),
      ).finally(progress.stop);
      if (json) return printJson(extracted);
      if (quiet) return;
      const { modules, rank, energy, unrepresented, bytes: size } = extracted;
      printLine(
        `${flags.out}: ${plural(modules.length, "module")}, rank ${rank}, ${bytes(size)}; energy kept ${figure(energy)}`,
      );
      const worst = [...modules].sort((one, other) => one.energy - other.energy).slice(0, MOST_MODULES);
      printLine();
      printLines(
        table(
          ["modules that lose most", "norm of the change", "energy kept"],
          worst.map((module) => [module.name, figure(module.norm), figure(module.energy)]),
        ),
      );
      if (unrepresented.length > 0) {
        const shown = unrepresented.slice(0, 4).join(", ");
        printLine();
        printLine(
          `changed, but not in the adapter (${unrepresented.length}): ${shown}${unrepresented.length > 4 ? ", ..." : ""}`,
        );
      }
      printLine();
      if (energy < LEAST_ROOM) {
        printParagraph(
          `Rank ${rank} holds ${percentBeside(energy, LEAST_ROOM)} of the energy of the change, less than ${percent(LEAST_ROOM)}: a larger --rank holds more.`,
        );
      }
      // Programs take a model's folder, not one of its files.
      const folder = flags.base.endsWith(".safetensors") ? dirname(flags.base) : flags.base;
      await printLoading(flags.out, ["peft"], null, freeNames(), folder);
    });
}
