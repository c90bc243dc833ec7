/**
 * The Python that trains and scores: the one that REALBENCH_PYTHON names, else one with requirements.txt in build/realbench/venv.
 * `npm run setup:realbench` installs it ahead (3 GB).
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(import.meta.url);
const venv = fileURLToPath(new URL("../../build/realbench/venv", import.meta.url));

/** The path of that Python, installed if need be. @throws Error where it cannot be installed */
export function realPython() {
  if (process.env.REALBENCH_PYTHON !== undefined) return process.env.REALBENCH_PYTHON;
  const python = join(venv, "bin/python");
  const ready = join(venv, "ready");
  if (!existsSync(ready)) {
    mkdirSync(venv, { recursive: true });
    command("python3", ["-m", "venv", venv]);
    command(python, ["-m", "pip", "install", "--quiet", "-r", join(here, "../requirements.txt")]);
    writeFileSync(ready, "");
  }
  return python;
}

/** Run a program with one thread. @throws Error if it fails */
export function command(program, args) {
  const env = { ...process.env, OMP_NUM_THREADS: "1" };
  const { status, error } = spawnSync(program, args, { stdio: "inherit", env });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}.`);
}

if (argv[1] === here) console.log(realPython());
