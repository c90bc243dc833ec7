import { Command } from "commander";
import pc from "picocolors";
import { reportFailure } from "./failure.ts";
import { printable } from "./printable.ts";
import { showDownload } from "./progress.ts";

interface CheckFlags {
  readonly for: string;
  readonly json?: true;
}

const COLOURS = { fails: pc.red, differs: pc.yellow, note: pc.dim } as const;

/** `lora-lego check`: whether a program loads an adapter, and whether it means the same there. */
export async function checkCommand(): Promise<Command> {
  const { CONSUMER_IDS } = await import("../adapter/consumers.ts");
  return new Command("check")
    .description("say whether a server or app loads an adapter, and whether it means the same there")
    .argument("<adapter...>", "folders or files of LoRA adapters, of any format that is read")
    .requiredOption("--for <consumer>", CONSUMER_IDS.join(", "))
    .option("--json", "print the findings as JSON on stdout")
    .addHelpText(
      "after",
      "\nStatus 1 where an adapter fails to load or means something else.\n\nExample:\n  lora-lego check merged/ --for vllm",
    )
    .action(async (paths: string[], flags: CheckFlags) => {
      const { consumerById } = await import("../adapter/consumers.ts");
      const { checkAdapter } = await import("../analysis/check.ts");
      const { openAdapterPath } = await import("../node/adapter-path.ts");
      const consumer = consumerById(flags.for);
      const checked = [];
      for (const path of paths) {
        try {
          const { adapter, close } = await openAdapterPath(path, { onDownload: showDownload });
          close();
          const findings = checkAdapter(adapter, consumer);
          checked.push({ name: adapter.name, for: consumer.id, findings });
          if (findings.some(({ level }) => level !== "note")) process.exitCode = 1;
          if (flags.json) continue;
          const good = findings.every(({ level }) => level === "note");
          console.log(
            `${printable(adapter.name)}: ${good ? `${consumer.title} loads it, and it means the same` : `not for ${consumer.title} as it is`}`,
          );
          for (const { level, text } of findings) console.log(`  ${COLOURS[level](`${level}:`)} ${printable(text)}`);
        } catch (error) {
          process.exitCode = Math.max(Number(process.exitCode ?? 0), reportFailure(error));
        }
      }
      if (flags.json) console.log(JSON.stringify(checked, null, 2));
    });
}
