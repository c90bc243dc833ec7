import { spawn } from "node:child_process";
import { Argument, Command } from "commander";
import { RefusedError, UsageError } from "../core/errors.ts";
import { printLine, sayLine } from "./terminal.ts";

/** What can be installed besides lora-lego. */
const PARTS = ["eval"];
/** node-llama-cpp and its binary for the processor: those for graphics cards are ten times as large, and not used. */
const VERSION = "3";
const BINARIES: Readonly<Record<string, string>> = {
  "linux x64": "linux-x64",
  "linux arm64": "linux-arm64",
  "linux arm": "linux-armv7l",
  "darwin x64": "mac-x64",
  "darwin arm64": "mac-arm64-metal",
  "win32 x64": "win-x64",
  "win32 arm64": "win-arm64",
};

/** `lora-lego setup`: install what a command needs and lora-lego does not bring. */
export async function setupCommand(): Promise<Command> {
  return new Command("setup")
    .description("install what a command needs besides lora-lego: llama.cpp for eval, bench and tune (85 MB, by npm)")
    .addArgument(new Argument("<part>", "what to install").choices(PARTS))
    .addHelpText(
      "after",
      "\nIt goes into the folder lora-lego in XDG_DATA_HOME, or in ~/.local/share where\nthat is not set; delete the folder to be rid of it.\n\nExample:\n  lora-lego setup eval",
    )
    .action(async () => {
      const { llamaHome } = await import("../node/evaluate/llama.ts");
      const folder = llamaHome();
      const words = ["install", "--prefix", folder, ...packagesFor(process.platform, process.arch), ...QUIETLY];
      sayLine(`npm ${words.join(" ")}`);
      await npm(words);
      printLine(`lora-lego eval, bench and tune now run models with llama.cpp, from ${folder}.`);
    });
}

const QUIETLY = ["--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];

/** What to install on a machine. @throws UsageError where there is no binary for it */
export function packagesFor(platform: string, arch: string): string[] {
  const binary = BINARIES[`${platform} ${arch}`];
  if (binary === undefined) {
    throw new UsageError(
      `node-llama-cpp has no binary for ${platform} on ${arch}; run npm install node-llama-cpp@${VERSION} where you call lora-lego, which builds one.`,
    );
  }
  return [`node-llama-cpp@${VERSION}`, `@node-llama-cpp/${binary}@${VERSION}`];
}

/** Run npm; what it prints goes to stderr. @throws RefusedError if it fails */
function npm(words: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("npm", words, { stdio: ["ignore", "pipe", "inherit"], shell: process.platform === "win32" });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      for (const line of text.split("\n")) if (line !== "") sayLine(line);
    });
    child.on("error", () => reject(new RefusedError("npm does not start; install Node with npm, and try again.")));
    child.on("close", (code) =>
      code === 0
        ? resolve()
        : reject(new RefusedError(`npm ended with status ${code}; what it printed above says why.`)),
    );
  });
}
