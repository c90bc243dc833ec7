import { Command, Option } from "commander";
import { plural } from "../core/plural.ts";
import { bytes } from "../core/shown.ts";
import { parsePath } from "./parse-flags.ts";
import { showDownload } from "./progress.ts";
import { untilInterrupted } from "./run-to-folder.ts";
import { printJson, printLine, sayLine } from "./terminal.ts";

interface ConvertFlags {
  readonly to: string;
  readonly out: string;
  readonly baseConfig?: string;
  readonly extras: "error" | "drop";
  readonly force?: true;
  readonly json?: true;
}

/** `lora-lego convert`: one adapter in another format, the same deltas. */
export async function convertCommand(): Promise<Command> {
  return new Command("convert")
    .description("write an adapter in another format, the same deltas")
    .argument("<adapter>", "folder or file of a LoRA adapter, of any format that is read", parsePath)
    .requiredOption(
      "--to <format>",
      "peft, diffusers or mlx (a folder), kohya (a .safetensors file), gguf (a .gguf file)",
    )
    .requiredOption("--out <path>", "folder or file to write; appears complete or not at all", parsePath)
    .option(
      "--base-config <file>",
      "config.json of the base model, which gguf needs for names and rows, and mlx for names that are others there, embeddings, heads and experts",
      parsePath,
    )
    .addOption(
      new Option("--extras <policy>", "what to do with heads and biases where the format cannot carry them")
        .choices(["error", "drop"])
        .default("error"),
    )
    .option("--force", "replace a folder that lora-lego wrote, or a file")
    .option("--json", "print what was written as JSON on stdout")
    .addHelpText(
      "after",
      "\nExamples:\n  lora-lego convert merged/ --to kohya --out merged.safetensors\n  lora-lego convert style.safetensors --to diffusers --out style\n  lora-lego convert merged/ --to gguf --base-config base/config.json --out merged.gguf",
    )
    .action(async (path: string, { to, out, baseConfig, extras, force, json }: ConvertFlags) => {
      const { convertAdapter } = await import("../node/convert-adapter.ts");
      const converted = await untilInterrupted((signal) =>
        convertAdapter(path, {
          to,
          out,
          ...(baseConfig !== undefined && { baseConfig }),
          dropExtras: extras === "drop",
          force: force ?? false,
          signal,
          onDownload: showDownload,
          onNotice: (text) => sayLine(text),
        }),
      );
      const { from, modules, bytes: size } = converted;
      if (json) printJson(converted);
      else printLine(`${out}: ${plural(modules, "module")} from ${from} to ${to}, ${bytes(size)}`);
    });
}
