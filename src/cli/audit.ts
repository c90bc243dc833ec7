import { Command } from "commander";
import { UsageError } from "../core/errors.ts";
import { shellPath } from "../core/shell-word.ts";
import type { OpenOptions } from "../node/input/adapter-path.ts";
import { severalAdaptersAmong } from "./adapter-paths.ts";
import { collectPath } from "./parse-flags.ts";
import { printAudit } from "./print-audit.ts";
import { printMergedAudit } from "./print-merged-audit.ts";
import { showDownload } from "./progress.ts";
import { printJson, sayLine } from "./terminal.ts";

interface AuditFlags {
  readonly of?: string[];
  readonly stream?: true;
  readonly json?: true;
}

/** `lora-lego audit`: what to know about adapters before and after merging them. */
export async function auditCommand(): Promise<Command> {
  return new Command("audit")
    .description("say what to know about adapters before merging them, or what went wrong in a merge")
    .argument(
      "<adapter...>",
      "folders or files of LoRA adapters of one base model; with --of one merged adapter",
      collectPath,
    )
    .option("--of <adapter...>", "the adapters that a merged one was made of: recognise how merges fail", collectPath)
    .option(
      "--stream",
      "read adapters on servers (hf://..., https://...) with range requests instead of downloading them",
    )
    .option("--json", "print everything as JSON on stdout")
    .addHelpText(
      "after",
      [
        "\nExit status: 0 if no problem was found, 1 if one was, or a file is refused,\n2 for wrong usage.",
        "\nExamples:\n  lora-lego audit math/ med/ finance/\n  lora-lego audit merged/ --of math/ med/ finance/",
      ].join("\n"),
    )
    .action(async (paths: string[], { of, ...flags }: AuditFlags) => {
      const opening = { onDownload: showDownload, stream: flags.stream ?? false };
      const json = flags.json ?? false;
      const good = await (of === undefined ? auditSet(paths, opening, json) : auditMerge(paths, of, opening, json));
      if (!good) process.exitCode = 1;
    });
}

/** @returns whether no problem was found */
async function auditSet(paths: string[], opening: OpenOptions, json: boolean): Promise<boolean> {
  const { auditAdapters } = await import("../node/audit-adapters.ts");
  const { pathsOfParts } = await import("../node/input/parts-again.ts");
  const adapters = await severalAdaptersAmong(paths);
  const audit = await auditAdapters(adapters, opening);
  const [only, ...others] = adapters as [string, ...string[]];
  const parts = others.length > 0 ? [] : await pathsOfParts(only);
  if (parts.length > 1) {
    sayLine(
      `${only} is a merge by its recipe.yaml. How it went: lora-lego audit ${shellPath(only)} --of ${parts.map(shellPath).join(" ")}`,
    );
  }
  if (json) printJson(audit);
  else printAudit(audit);
  return audit.good;
}

/** @returns whether no signature was found */
async function auditMerge(paths: string[], of: string[], opening: OpenOptions, json: boolean): Promise<boolean> {
  const [path, ...others] = paths as [string, ...string[]];
  if (others.length > 0) {
    throw new UsageError(`--of looks at one merged adapter, but ${paths.length} are named before it; name one.`);
  }
  const { auditMerged } = await import("../node/audit-merged.ts");
  const audit = await auditMerged(path, { ...opening, of });
  if (json) printJson(audit);
  else printMergedAudit(audit);
  return audit.good;
}
