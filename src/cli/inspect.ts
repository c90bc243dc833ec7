import { Command } from "commander";
import type { Inspection } from "../analysis/inspect.ts";
import { plural } from "../core/plural.ts";
import { bytes, figure } from "../core/shown.ts";
import { withoutPeftPrefix } from "../formats/peft-folder/keys.ts";
import { adaptersAmong } from "./adapter-paths.ts";
import { printWarnings, reportFailure } from "./failure.ts";
import { collectPath } from "./parse-flags.ts";
import { showDownload } from "./progress.ts";
import { table } from "./table.ts";
import { pageWidth, printJson, printLine, printLines } from "./terminal.ts";

/** `lora-lego inspect`: what adapters contain, from their headers and values. */
export async function inspectCommand(): Promise<Command> {
  return new Command("inspect")
    .description("show what adapters contain: modules, ranks, scales, norms, spectra, extras")
    .argument("<adapter...>", "folders or files of LoRA adapters, in any supported format", collectPath)
    .option("--modules", "list every module")
    .option(
      "--stream",
      "read adapters on servers (hf://..., https://...) with range requests instead of downloading them",
    )
    .option("--json", "print everything as JSON on stdout")
    .addHelpText("after", "\nExample:\n  lora-lego inspect math/ med/ --modules")
    .action(async (paths: string[], flags: { modules?: true; stream?: true; json?: true }) => {
      const { inspectAdapter } = await import("../node/inspect-adapter.ts");
      const { dialectById } = await import("../adapter/dialects.ts");
      const found: Inspection[] = [];
      let status = 0;
      for (const path of await adaptersAmong(paths)) {
        try {
          const inspection = await inspectAdapter(path, { onDownload: showDownload, stream: flags.stream ?? false });
          found.push(inspection);
          if (!flags.json) print(inspection, dialectById(inspection.format).title, flags.modules ?? false);
        } catch (error) {
          status = Math.max(status, reportFailure(error));
        }
      }
      if (flags.json) printJson(found);
      process.exitCode = status;
    });
}

function print(inspection: Inspection, title: string, all: boolean): void {
  const { name, baseModel, model, variants, modules, others, extras, ignored } = inspection;
  const base = baseModel ?? "a base that it does not name";
  const what = modules.length === 0 || /lora/i.test(title) ? "adapter" : "LoRA";
  const kind = model === null ? "" : ` (${model})`;
  printLine(`${name}: ${title} ${what} for ${base}${kind}, ${bytes(inspection.bytes)}`);
  for (const { text } of variants) printLine(`  ${text}`);
  if (modules.length > 0) printModules(inspection);
  printBlocks(inspection.blocks);
  if (others.length > 0) printLine(`  tensors outside any delta (${others.length}): ${some(others)}`);
  if (extras.length > 0) printLine(`  besides the LoRA factors (${extras.length}): ${some(extras)}`);
  if (ignored.length > 0) printLine(`  copies of base tensors, never written (${ignored.length}): ${some(ignored)}`);
  printWarnings(inspection.warnings);
  if (all && modules.length > 0) {
    printLines(
      table(
        ["module", "in", "out", "rank", "scale", "norm", "effective rank", "largest singular values"],
        modules.map((module) => [
          module.name,
          module.in,
          module.out,
          module.rank,
          short(module.scale),
          module.norm.toPrecision(4),
          figure(module.effectiveRank),
          module.spectrum
            .slice(0, 4)
            .map((sigma) => sigma.toPrecision(3))
            .join(" "),
        ]),
      ),
    );
  }
  printLine();
}

function printModules({ modules, ranks, scales, dtypes, norm, magnitudes, biases, tokenRows }: Inspection): void {
  const kinds = [...new Set(modules.map(({ kind }) => kind))].join(", ");
  const mean = modules.reduce((sum, module) => sum + module.effectiveRank, 0) / modules.length;
  const zero = modules.filter((module) => module.norm === 0).length;
  printLine(
    `  ${plural(modules.length, "module")} (${kinds}), rank ${ranks.join(" ")}, scale ${scales.map(short).join(" ")}, ${dtypes.join(" ")}`,
  );
  printLine(`  delta norm ${norm.toPrecision(4)}, mean effective rank ${figure(mean)}, ${plural(zero, "zero module")}`);
  if (magnitudes.length > 0) printLine(`  magnitudes of DoRA (${magnitudes.length}): ${some(magnitudes)}`);
  if (biases.length > 0) printLine(`  biases next to B (${biases.length}): ${some(biases)}`);
  if (tokenRows.length > 0) printLine(`  trained token rows: ${some(tokenRows)}`);
}

function printBlocks(blocks: Inspection["blocks"]): void {
  if (blocks.length === 0) return;
  printLine("  norms of the deltas in each block:");
  let line = "";
  for (const { name, norm } of blocks) {
    const block = `  ${name} ${norm.toPrecision(3)}`;
    if (2 + line.length + block.length > pageWidth()) {
      printLine(`  ${line}`);
      line = "";
    }
    line += block;
  }
  printLine(`  ${line}`);
}

function some(keys: readonly string[]): string {
  const short = keys.slice(0, 3).map(withoutPeftPrefix);
  return keys.length > 3 ? `${short.join(", ")} and ${keys.length - 3} more` : short.join(", ");
}

function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}
