import { Command, Option } from "commander";
import { CONSUMER_IDS, type ConsumerId } from "../adapter/consumers.ts";
import type { FormatId } from "../convert/formats.ts";
import { plural } from "../core/plural.ts";
import { bytes } from "../core/shown.ts";
import { freeNames } from "../node/output/free-name.ts";
import { printWarnings } from "./failure.ts";
import { addCarriedExtras, addFormatOptions, OUT_HELP } from "./output-flags.ts";
import { parseCount, parsePath } from "./parse-flags.ts";
import { printLoading, warnOfProgram } from "./print-loading.ts";
import { showDownload } from "./progress.ts";
import { printJson, printLine, sayLine } from "./terminal.ts";
import { untilInterrupted } from "./until-interrupted.ts";

interface ConvertFlags {
  readonly to?: FormatId;
  readonly for?: ConsumerId;
  readonly out: string;
  readonly baseConfig?: string;
  readonly extras: "error" | "drop";
  readonly fromInit?: string;
  readonly base?: string;
  readonly rank?: number;
  readonly force?: true;
  readonly json?: true;
  readonly quiet?: true;
}

/** `lora-lego convert`: one adapter in another format, with the same deltas. */
export async function convertCommand(): Promise<Command> {
  const command = new Command("convert")
    .description("write an adapter in another format, with the same deltas")
    .argument("<adapter>", "folder or file of a LoRA adapter, in any supported format", parsePath)
    .requiredOption("-o, --out <path>", OUT_HELP, parsePath);
  addFormatOptions(command);
  addCarriedExtras(command);
  return command
    .addOption(new Option("--for <consumer>", "choose the format that this program loads").choices(CONSUMER_IDS))
    .option(
      "--from-init <path>",
      "the adapter as it was before training: makes PiSSA, OLoRA, CorDA or LoRA-GA a plain LoRA of twice the rank",
      parsePath,
    )
    .option(
      "--base <dir>",
      "folder of the base model in safetensors, without which nothing knows the deltas of VeRA, RandLora, MiSS and HiRA",
      parsePath,
    )
    .option(
      "--rank <k>",
      "with --base: rank of what is extracted where the base's weights count (default: the adapter's own)",
      parseCount,
    )
    .option("--force", "replace a folder that lora-lego wrote, or a file")
    .option("--json", "print what was written as JSON on stdout")
    .option("-q, --quiet", "print warnings and errors alone")
    .addHelpText(
      "after",
      `
Examples:
  lora-lego convert merged/ --to kohya --out merged.safetensors
  lora-lego convert style.safetensors --to diffusers --out style
  lora-lego convert pissa/ --from-init pissa-init/ --out plain
  lora-lego convert vera/ --base llama/ --out plain
  lora-lego convert merged/ --for llamacpp --base-config base/config.json --out merged.gguf`,
    )
    .action(async (path: string, { json, quiet, ...flags }: ConvertFlags) => {
      const { convertAdapter } = await import("../node/convert-adapter.ts");
      const converted = await untilInterrupted((signal) =>
        convertAdapter(path, { ...flags, signal, onDownload: showDownload, onNotice: (text) => sayLine(text) }),
      );
      const { from, to, modules, bytes: size } = converted;
      printWarnings(converted.warnings);
      if (json || quiet) await warnOfProgram(flags.out, [], flags.for ?? null);
      if (json) return printJson(converted);
      if (quiet) return;
      printLine(
        `${flags.out}: ${plural(modules, "module")} ${from === to ? `in ${to}` : `from ${from} to ${to}`}, ${bytes(size)}`,
      );
      // It is in the format that was asked for.
      await printLoading(flags.out, [], flags.for ?? null, freeNames());
    });
}
