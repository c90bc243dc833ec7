/**
 * Every method on seven synthetic Llama-2-7B-shaped adapters (bench/make-inputs.mjs), those on dense deltas on one 4096 x 4096 module of
 * them, two threads, whole processes; and the exact SVD merge against numpy's SVD of the dense sum, verified and timed on sampled modules in the same run where BENCH_PYTHON names a Python
 * with bench/baseline/requirements.txt.
 *
 *   npm run build && BENCH_PYTHON=.venv/bin/python node bench/methods.mjs [method...]
 */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { METHODS } from "../dist/index.js";
import { makeInputs, ONE_MODULE } from "./make-inputs.mjs";
import { baselineEnvironment, median, run } from "./measure.mjs";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
/** One module of each shape. */
const SAMPLED = ["model.layers.0.self_attn.q_proj", "model.layers.0.mlp.gate_proj", "model.layers.0.mlp.down_proj"];
/** How many modules of the inputs have the shape of each sampled one. */
const OF_THAT_SHAPE = [4 * 32, 2 * 32, 32];
const MOST_DISTANCE = 1e-5;

const here = fileURLToPath(new URL(".", import.meta.url));
const out = join(here, "data/out");
const inputs = makeInputs(join(here, "data"), 7);
const oneModule = makeInputs(join(here, "data/one-module"), 7, ONE_MODULE);
const cli = join(here, "../dist/cli/main.js");
const needsOf = (method) => METHODS.find(({ id }) => id === method).needs;
const isDense = (method) => needsOf(method).cut === true;
const merge = (method) => {
  const given = isDense(method) ? oneModule : inputs;
  const chosen = needsOf(method).adapters === 2 ? given.slice(0, 2) : given;
  const options = ["--method", method, "--rank", "16", "--threads", "2", "--dtype", "f32", "--out", out, "--force"];
  return [process.execPath, cli, "merge", ...chosen, ...options];
};

const chosen = process.argv.length > 2 ? process.argv.slice(2) : METHODS.map(({ id }) => id);
const seconds = {};
console.log(`${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}, ${ROUNDS} rounds, cached files\n`);
for (const method of chosen) {
  const runs = [];
  for (let round = 0; round < ROUNDS; round++) runs.push(await run(merge(method)));
  seconds[method] = median(runs.map((each) => each.seconds));
  const peak = Math.max(...runs.map((each) => each.megabytes));
  const processor = median(runs.map((each) => each.processor));
  const of = isDense(method) ? ", one module" : "";
  console.log(
    `${method.padEnd(22)} median ${seconds[method].toFixed(2)} s, processor ${processor.toFixed(2)} s, peak ${peak.toFixed(0)} MB${of}`,
  );
}
if (process.env.BENCH_PYTHON !== undefined && chosen.includes("svd")) compareWithDense(await run(merge("svd")));
rmSync(out, { recursive: true, force: true });

function compareWithDense() {
  const script = join(here, "baseline/dense_svd.py");
  const args = [script, "--k", "16", "--ours", out, "--modules", ...SAMPLED, "--", ...inputs];
  const env = { ...baselineEnvironment(), OPENBLAS_NUM_THREADS: "2" };
  const found = JSON.parse(execFileSync(process.env.BENCH_PYTHON, args, { encoding: "utf8", env }));
  let dense = 0;
  for (const [i, module] of SAMPLED.entries()) {
    const { shape, seconds: took, distance } = found[module];
    if (!(distance <= MOST_DISTANCE)) throw new Error(`${module}: svd is ${distance} from the dense result`);
    dense += took * OF_THAT_SHAPE[i];
    console.log(
      `dense SVD of ${module} (${shape.join(" x ")}): ${took.toFixed(1)} s; ours is ${distance.toExponential(1)} from it`,
    );
  }
  const factor = dense / seconds.svd;
  console.log(
    `dense SVD of all modules at these rates: ${dense.toFixed(0)} s, ${factor.toFixed(0)} times lora-lego's whole merge`,
  );
}
