import { Command } from "commander";
import type { CheckedAdapter } from "../node/check-adapter.ts";
import { adaptersAmong } from "./adapter-paths.ts";
import { reportFailure } from "./failure.ts";
import { collectPath, parsePath } from "./parse-flags.ts";
import { showDownload } from "./progress.ts";
import { dim, printJson, printLine, red, yellow } from "./terminal.ts";

interface CheckFlags {
  readonly for: string;
  readonly base?: string;
  readonly baseConfig?: string;
  readonly json?: true;
}

const COLOURS = { fails: red, differs: yellow, note: dim } as const;

/** `lora-lego check`: does a program load an adapter, and does it mean the same there? */
export async function checkCommand(): Promise<Command> {
  const { CONSUMER_IDS, consumerById } = await import("../adapter/consumers.ts");
  const versions = CONSUMER_IDS.map((id) => consumerById(id)).map(({ title, version }) => `${title} ${version}`);
  return new Command("check")
    .description("check whether a server or app loads an adapter, and whether it means the same there")
    .argument("<adapter...>", "folders or files of LoRA adapters, in any supported format", collectPath)
    .requiredOption("--for <consumer>", CONSUMER_IDS.join(", "))
    .option(
      "--base <model>",
      "compare names, sizes and tied weights with the base: a folder, .safetensors, .gguf or hf:// (only headers are read)",
      parsePath,
    )
    .option(
      "--base-config <file>",
      "compare with the base model's config.json: layers, widths, vocabulary, tied weights, architecture",
      parsePath,
    )
    .option("--json", "print the findings, and what was not looked at, as JSON on stdout")
    .addHelpText(
      "after",
      [
        `\nVerdicts apply to ${versions.join(", ")} (docs/formats/consumers.md).`,
        "\nExit status: 0 if no problem was found (what was not looked at is listed), 1 if an adapter fails to load or means something else, or a file is refused, 2 for wrong usage.",
        "\nExamples:\n  lora-lego check merged/ --for vllm --base hf://acme/base\n  lora-lego check merged/ --for sglang --base-config config.json",
      ].join("\n"),
    )
    .action(async (paths: string[], flags: CheckFlags) => {
      const { checkPath } = await import("../node/check-adapter.ts");
      const { openBase } = await import("../node/input/open-base.ts");
      const consumer = consumerById(flags.for);
      const base = await openBase(flags);
      const checked: CheckedAdapter[] = [];
      for (const path of adaptersAmong(paths)) {
        try {
          const check = await checkPath(path, consumer, base, { onDownload: showDownload });
          checked.push(check);
          const { name, version, good, findings, unseen } = check;
          if (!good) process.exitCode = 1;
          if (flags.json) continue;
          printLine(`${name}: ${verdict(good, unseen.length > 0, `${consumer.title} ${version}`)}`);
          for (const { level, text } of findings) printLine("  ", COLOURS[level](`${level}:`), ` ${text}`);
          for (const text of unseen) printLine("  ", dim("not looked at:"), ` ${text}`);
        } catch (error) {
          process.exitCode = Math.max(Number(process.exitCode ?? 0), reportFailure(error));
        }
      }
      if (flags.json) printJson(checked);
    });
}

/** The verdict; it claims no more than was looked at. */
function verdict(good: boolean, unseen: boolean, program: string): string {
  if (!good) return `not for ${program} as it is`;
  return unseen
    ? `nothing found that keeps ${program} from loading it as intended`
    : `${program} loads it, and it means the same`;
}
