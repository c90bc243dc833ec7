import { Command } from "commander";
import { adaptersAmong } from "./adapter-paths.ts";
import { collectPath, parseCount, parseNumber } from "./parse-flags.ts";
import { showDownload } from "./progress.ts";
import { dim, green, printJson, printLine, red } from "./terminal.ts";

/** `lora-lego verify`: measure the paper's claims on given adapters. */
export async function verifyCommand(): Promise<Command> {
  return new Command("verify")
    .description("measure the paper's claims on adapters: permutation, concatenation, cluster purity")
    .argument("<adapter...>", "folders or files of LoRA adapters of one base model", collectPath)
    .option("--rank <k>", "clusters per module (default: the largest input rank)", parseCount)
    .option("--seed <n>", "seed of the random inputs and assignments", parseNumber, 0)
    .option("--allow-partial", "accept adapters that share no module or end at different layers")
    .option("--json", "print the checks as JSON on stdout")
    .addHelpText("after", "\nExample:\n  lora-lego verify math/ med/ finance/")
    .action(async (paths: string[], flags: { rank?: number; seed: number; allowPartial?: true; json?: true }) => {
      const { verifyAdapters } = await import("../node/verify-adapters.ts");
      const { json, ...options } = flags;
      const claims = await verifyAdapters(await adaptersAmong(paths), { ...options, onDownload: showDownload });
      if (json) printJson(claims);
      else for (const { claim, measured, holds } of claims) printLine(verdict(holds), `  ${claim} (${measured})`);
      if (claims.some(({ id, holds }) => holds === false && id !== "cluster-purity")) process.exitCode = 1;
    });
}

function verdict(holds: boolean | null): ReturnType<typeof dim> {
  if (holds === null) return dim("skipped");
  return holds ? green("holds  ") : red("refuted");
}
