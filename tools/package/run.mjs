import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The repository. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Run a command to its end. @returns what it printed; @throws Error with all that it printed where it fails */
export async function run(command, words, cwd, env = {}) {
  try {
    return (await promisify(execFile)(command, words, { cwd, env: { ...process.env, ...env } })).stdout;
  } catch (error) {
    throw new Error(`${command} ${words.join(" ")} failed:\n${error.stdout}${error.stderr || error.message}`);
  }
}
