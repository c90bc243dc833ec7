import { Command, Option } from "commander";
import { plural } from "../core/plural.ts";
import { bytes } from "../core/shown.ts";
import { printWarnings } from "./failure.ts";
import { collectPath, parseNumber, parseNumbers, parsePath } from "./parse-flags.ts";
import { printLoadingLines } from "./print-loading.ts";
import { showDownload, showProgress } from "./progress.ts";
import { printJson, printLine, sayLine } from "./terminal.ts";
import { untilInterrupted } from "./until-interrupted.ts";

interface FuseFlags {
  readonly base: string;
  readonly out: string;
  readonly weights?: number[];
  readonly scale?: number;
  readonly extras: "replace" | "drop";
  readonly force?: true;
  readonly json?: true;
  readonly quiet?: true;
}

/** `lora-lego fuse`: the deltas of adapters added to their base model. */
export async function fuseCommand(): Promise<Command> {
  return new Command("fuse")
    .description("add the deltas of adapters to their base model, shard by shard")
    .argument("<adapter...>", "folders or files of LoRA adapters of one base model", collectPath)
    .requiredOption("--base <dir>", "the base model: a folder in safetensors, or one .safetensors file", parsePath)
    .requiredOption("-o, --out <dir>", "folder to write; appears complete or not at all", parsePath)
    .option("--weights <list>", "one weight for each adapter, such as 1,0.5 (default: 1 each)", parseNumbers)
    .option("--scale <x>", "multiply all deltas by this", parseNumber)
    .addOption(
      new Option("--extras <policy>", "what to do with heads and biases of a single adapter")
        .choices(["replace", "drop"])
        .default("replace"),
    )
    .option("--force", "replace a folder that lora-lego wrote")
    .option("--json", "print what was fused as JSON on stdout")
    .option("-q, --quiet", "print warnings and errors alone")
    .addHelpText("after", "\nExample:\n  lora-lego fuse merged/ --base models/llama --out models/llama-merged")
    .action(async (paths: string[], flags: FuseFlags) => {
      const { fuseModel } = await import("../node/fuse-model.ts");
      const progress = await showProgress(flags.json ?? flags.quiet ?? false, "fusing", "tensors");
      const { base, out, weights, scale, extras, force } = flags;
      const fused = await untilInterrupted((signal) =>
        fuseModel(paths, {
          base,
          out,
          extras,
          force: force ?? false,
          signal,
          onProgress: progress.onProgress,
          onDownload: showDownload,
          onNotice: (text) => sayLine(text),
          ...(weights && { weights }),
          ...(scale !== undefined && { scale }),
        }),
      ).finally(progress.stop);
      printWarnings(fused.warnings);
      if (flags.json) return printJson(fused);
      if (flags.quiet) return;
      const own =
        fused.replaced.length === 0 ? "" : `, ${plural(fused.replaced.length, "tensor")} replaced by the adapter's own`;
      printLine(
        `${out}: ${fused.base} with ${fused.adapters.join(" + ")}: ${plural(fused.fused, "tensor")} fused${own}, ${bytes(fused.bytes)}`,
      );
      if (fused.untied)
        printLine("  head and embedding are now two tensors (tie_word_embeddings is false in config.json)");
      for (const [part, count] of Object.entries(fused.elsewhere)) {
        printLine(
          `  not in this folder: ${plural(count, "module")} of ${part}; fuse them into the pipeline's ${part} in another run`,
        );
      }
      if (fused.vocabSize !== null) {
        printLine(
          `  the vocabulary now has ${fused.vocabSize} tokens (vocab_size in config.json); copy the adapter's tokenizer files too`,
        );
      }
      const { modelLines } = await import("../node/model-lines.ts");
      printLoadingLines("Load it where its base model runs:", modelLines(out));
    });
}
