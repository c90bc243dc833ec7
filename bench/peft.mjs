/**
 * PEFT's own merging methods beside ours on seven synthetic adapters (bench/make-inputs.mjs), in processor seconds: those on factors over all
 * 224 modules of a 7B model, those on deltas on one 4096 x 4096 module. Ours are whole processes, start and hashes included; PEFT's begin once
 * PyTorch is imported, and have no base model. Runs take turns.
 *
 *   npm run build && BENCH_PYTHON=.venv/bin/python node bench/peft.mjs [method...]
 *
 * BENCH_PYTHON has bench/baseline/requirements-peft.txt.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeInputs, ONE_MODULE } from "./make-inputs.mjs";
import { baselineEnvironment, median, run } from "./measure.mjs";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const ON_FACTORS = ["cat", "linear", "ties", "dare_linear", "dare_ties", "magnitude_prune"];
const ON_DELTAS = ["svd", "ties_svd", "dare_linear_svd", "dare_ties_svd", "magnitude_prune_svd"];
/** Theirs has none of these; they stand beside ties_svd. */
const OURS_ALONE = ["della"];

const here = fileURLToPath(new URL(".", import.meta.url));
const python = withPeft(process.env.BENCH_PYTHON);
const out = join(here, "data/out");
const whole = makeInputs(join(here, "data"), 7);
const one = makeInputs(join(here, "data/one-module"), 7, ONE_MODULE);
const cli = join(here, "../dist/cli/main.js");

/** A Python that has PEFT; undefined if there is none. */
function withPeft(command) {
  if (command === undefined) return undefined;
  const { status } = spawnSync(command, ["-c", "import peft"]);
  if (status !== 0) console.log(`${command} has no PEFT (bench/baseline/requirements-peft.txt), so ours stands alone.`);
  return status === 0 ? command : undefined;
}

function ours(method, inputs) {
  const ranked = method === "cat" ? [] : ["--rank", "16"];
  const options = ["--method", method, ...ranked, "--dtype", "f32", "--out", out, "--force"];
  return run([process.execPath, cli, "merge", ...inputs, ...options]);
}

function theirs(method, inputs) {
  const script = join(here, "baseline/peft_merge.py");
  const words = [script, "--method", method, "--out", `${out}-peft`, ...inputs];
  const options = { encoding: "utf8", env: baselineEnvironment(), stdio: ["ignore", "pipe", "ignore"] };
  return JSON.parse(execFileSync(python, words, options));
}

const chosen = process.argv.length > 2 ? process.argv.slice(2) : [...ON_FACTORS, ...ON_DELTAS, ...OURS_ALONE];
console.log(`${cpus()[0].model}, Node ${process.version}, ${ROUNDS} rounds, processor seconds\n`);
for (const method of chosen) {
  const inputs = ON_FACTORS.includes(method) ? whole : one;
  const runs = { ours: [], theirs: [] };
  for (let round = 0; round < ROUNDS; round++) {
    runs.ours.push((await ours(method, inputs)).processor);
    if (python !== undefined && !OURS_ALONE.includes(method)) runs.theirs.push(theirs(method, inputs).processor);
  }
  const own = median(runs.ours);
  const peft =
    runs.theirs.length === 0
      ? ""
      : `, PEFT ${median(runs.theirs).toFixed(2)}: ${(median(runs.theirs) / own).toFixed(1)} times`;
  const what = inputs === whole ? "224 modules" : "one 4096 x 4096 module";
  console.log(`${method.padEnd(20)} ${what.padEnd(22)} ours ${own.toFixed(2)}${peft}`);
}
for (const folder of [out, `${out}-peft`]) rmSync(folder, { recursive: true, force: true });
