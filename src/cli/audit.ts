import { Command } from "commander";
import { collectPath } from "./parse-flags.ts";
import { printAudit } from "./print-audit.ts";
import { showDownload } from "./progress.ts";
import { printJson } from "./terminal.ts";

interface AuditFlags {
  readonly stream?: true;
  readonly json?: true;
}

/** `lora-lego audit`: what to know about adapters before and after merging them. */
export async function auditCommand(): Promise<Command> {
  return new Command("audit")
    .description("say what to know about adapters before merging them, and which merge to make")
    .argument("<adapter...>", "folders or files of LoRA adapters of one base model", collectPath)
    .option("--stream", "read adapters on the Hub (hf://...) with range requests instead of downloading them")
    .option("--json", "print everything as JSON on stdout")
    .addHelpText(
      "after",
      [
        "\nExit status: 0 if no problem was found, 1 if one was, or a file is refused, 2 for wrong usage.",
        "\nExample:\n  lora-lego audit math/ med/ finance/",
      ].join("\n"),
    )
    .action(async (paths: string[], flags: AuditFlags) => {
      const { auditAdapters } = await import("../node/audit-adapters.ts");
      const audit = await auditAdapters(paths, { onDownload: showDownload, stream: flags.stream ?? false });
      if (flags.json) printJson(audit);
      else printAudit(audit);
      if (!audit.good) process.exitCode = 1;
    });
}
