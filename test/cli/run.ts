import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The built command, as the package's bin names it. */
export const MAIN: string = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** How a command ended, and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and how a command runs. */
export interface RunOptions {
  readonly cwd?: string;
  /** The command to run instead of the built one. */
  readonly main?: string;
  /** Set over the test's own environment, which asks for no colours. */
  readonly env?: Readonly<Record<string, string>>;
  /** Told of the process and of each piece of stderr. */
  readonly onStderr?: (child: ChildProcess, text: string) => void;
}

/** Run `lora-lego` in a process of its own. */
export function run(args: readonly string[], { cwd, env, onStderr, main = MAIN }: RunOptions = {}): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env.PATH, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(cwd !== undefined && { cwd }),
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
    onStderr?.(child, text);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** The lines of a text, the last one's end included. */
export function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
