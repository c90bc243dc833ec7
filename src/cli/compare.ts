import { Command } from "commander";
import { severalAdaptersAmong } from "./adapter-paths.ts";
import { collectPath, parseCount, parseNumbers, parsePath } from "./parse-flags.ts";
import { showDownload } from "./progress.ts";
import { printJson, sayLine } from "./terminal.ts";

interface CompareFlags {
  readonly methods?: string[];
  readonly ranks?: number[];
  readonly weights?: number[];
  readonly allowPartial?: true;
  readonly html?: string;
  readonly force?: true;
  readonly json?: true;
}

/** `lora-lego compare`: the results of several methods on the same adapters. */
export async function compareCommand(): Promise<Command> {
  return new Command("compare")
    .description("merge adapters by several methods in one pass, write nothing, and compare the results")
    .argument("<adapter...>", "folders or files of LoRA adapters of one base model", collectPath)
    .option(
      "--methods <list>",
      "methods to compare, such as auto,lego,ties_svd (default: all but the slow ones on dense deltas)",
      (text) => text.split(","),
    )
    .option("--ranks <list>", "ranks to compare at, such as 8,16 (default: each method's own)", (text) =>
      text.split(",").map(parseCount),
    )
    .option("--weights <list>", "one weight for each adapter (default: 1 each)", parseNumbers)
    .option("--allow-partial", "accept adapters that share no module or end at different layers")
    .option("--html <file>", "also write the comparison as one self-contained page with plots", parsePath)
    .option("--force", "replace the --html file even if lora-lego did not write it")
    .option("--json", "print the comparison as JSON on stdout")
    .addHelpText("after", "\nExample:\n  lora-lego compare math/ med/ finance/ --methods lego,svd,average --ranks 8,16")
    .action(compare);
}

async function compare(paths: string[], { json, force, ...options }: CompareFlags): Promise<void> {
  const { compareAdapters, SLOW_METHODS } = await import("../node/compare-adapters.ts");
  const comparison = await compareAdapters(await severalAdaptersAmong(paths), {
    ...options,
    force: force ?? false,
    onDownload: showDownload,
    onNotice: (text) => sayLine(text),
  });
  if (json) printJson(comparison);
  else {
    const { printComparison } = await import("./print-compare.ts");
    printComparison(comparison, options.methods === undefined ? SLOW_METHODS : []);
  }
}
