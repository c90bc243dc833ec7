import { Command } from "commander";
import type { ComparedRecipe, Comparison } from "../analysis/compare.ts";
import { bytes, figure } from "../core/shown.ts";
import { collectPath, parseCount, parseNumbers, parsePath } from "./parse-flags.ts";
import { showDownload } from "./progress.ts";
import { table } from "./table.ts";
import { printJson, printLine, printLines, sayLine } from "./terminal.ts";

interface CompareFlags {
  readonly methods?: string[];
  readonly ranks?: number[];
  readonly weights?: number[];
  readonly html?: string;
  readonly force?: true;
  readonly json?: true;
}

/** `lora-lego compare`: what several methods make of the same adapters. */
export async function compareCommand(): Promise<Command> {
  return new Command("compare")
    .description("merge adapters by several methods in one pass, write nothing, and compare the results")
    .argument("<adapter...>", "folders or files of LoRA adapters of one base model", collectPath)
    .option(
      "--methods <list>",
      "methods to compare, as lego,ties_svd (default: all but the slow ones on dense deltas)",
      (text) => text.split(","),
    )
    .option("--ranks <list>", "ranks to compare at, as 8,16 (default: each method's own)", (text) =>
      text.split(",").map(parseCount),
    )
    .option("--weights <list>", "one weight for each adapter (default: 1 each)", parseNumbers)
    .option("--html <file>", "also write the comparison as one self-contained page with plots", parsePath)
    .option("--force", "replace the file of --html also where lora-lego did not write it")
    .option("--json", "print the comparison as JSON on stdout")
    .addHelpText("after", "\nExample:\n  lora-lego compare math/ med/ finance/ --methods lego,svd,average --ranks 8,16")
    .action(compare);
}

async function compare(paths: string[], flags: CompareFlags): Promise<void> {
  const { methods, ranks, weights, html, force, json } = flags;
  const { OutputFile } = await import("../node/output-file.ts");
  const { inputPaths, openAdapters } = await import("../node/adapter-path.ts");
  const { compareMethods } = await import("../analysis/compare.ts");
  const { METHODS, methodById } = await import("../methods/registry.ts");
  const { wasmKernels } = await import("../kernels/wasm.ts");
  const ids = methods ?? METHODS.filter(({ needs }) => !needs.cut).map(({ id }) => id);
  const recipes = ids.flatMap((id) => {
    const method = methodById(id).id;
    return ranks === undefined ? [{ method }] : ranks.map((rank) => ({ method, target: { kind: "rank", rank } }));
  }) as ComparedRecipe[];
  const opened = await openAdapters(paths, { onDownload: showDownload });
  try {
    const page = {
      inputs: inputPaths(paths, opened),
      force: force ?? false,
      remade: true,
      flag: "--html",
      tell: (text: string) => sayLine(text),
    };
    if (html !== undefined) OutputFile.check(html, page);
    const adapters = opened.map(({ adapter }) => adapter);
    const given = weights ?? adapters.map(() => 1);
    const comparison = await compareMethods(wasmKernels(), adapters, recipes, given);
    if (html !== undefined) OutputFile.write(html, (await import("./compare-page.ts")).comparePage(comparison), page);
    if (json) printJson(comparison);
    else print(comparison, ranks === undefined);
  } finally {
    for (const { close } of opened) close();
  }
}

/** @param ownRanks whether each method chose its rank */
function print({ adapters, merges, refused }: Comparison, ownRanks: boolean): void {
  const head = ["method", "rank", "norm ratio", "energy", ...adapters.map((name) => `cos ${name}`)];
  printLines(
    table(
      [...head, "sign conflicts", "effective rank", "seconds", "size"],
      merges.map((merge) => [
        merge.method,
        merge.rank,
        figure(merge.normRatio),
        figure(merge.energy),
        ...merge.cosines.map(figure),
        figure(merge.signConflicts),
        merge.effectiveRank.toFixed(1),
        merge.seconds.toFixed(3),
        bytes(merge.bytes),
      ]),
    ),
  );
  if (ownRanks && new Set(merges.map(({ rank }) => rank)).size > 1) {
    printLine("Ranks differ, and a larger one keeps more; --ranks compares at equal ones.");
  }
  for (const { method, reason } of refused) printLine(`left out: ${method}: ${reason}`);
}
