/**
 * Times whole merges of synthetic Llama-2-7B-shaped adapters (bench/make-inputs.mjs), against numpy and scikit-learn doing
 * the same where BENCH_PYTHON names a Python that has bench/baseline/requirements.txt. Outputs are verified first; runs
 * take turns; minimum, median and maximum are printed and kept in bench/results/run.json.
 *
 *   npm run bench                                   lora-lego alone
 *   BENCH_PYTHON=.venv/bin/python npm run bench     beside the baselines
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { memorySink } from "../build/lib/core/bytes.js";
import { referenceKernels } from "../build/lib/kernels/reference.js";
import { Merger } from "../build/lib/lanes/merger.js";
import { openAdapters } from "../build/lib/node/index.js";
import { makePlan } from "../build/lib/plan/plan.js";
import { makeInputs } from "./make-inputs.mjs";
import { median, run } from "./measure.mjs";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const here = fileURLToPath(new URL(".", import.meta.url));
const out = join(here, "data/out");
const inputs = makeInputs(join(here, "data"), 28);
const seven = inputs.slice(0, 7);
const python = process.env.BENCH_PYTHON;
const report = join(here, "data/report.json");
const cli = join(here, "../dist/cli/main.js");

const lego = (adapters, threads) => [
  process.execPath,
  cli,
  "merge",
  ...adapters,
  "--method",
  "lego",
  "--rank",
  16,
  "--threads",
  threads,
  "--out",
  out,
  "--force",
  "--report",
  report,
];
const commands = { "lora-lego, 7 adapters": lego(seven, 2), "lora-lego, 28 adapters": lego(inputs, 2) };
if (python !== undefined) {
  commands["numpy average, 7 adapters"] = [
    python,
    join(here, "baseline/average.py"),
    "--out",
    `${out}-average`,
    ...seven,
  ];
}

await verify();
const shares = {};
const runs = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, command] of Object.entries(commands)) {
    const measured = await run(command);
    if (round === 0) continue; // warms the page cache
    runs[name].push(measured);
    if (name.startsWith("lora-lego")) shares[name] = JSON.parse(readFileSync(report, "utf8")).timings;
  }
}
if (python !== undefined) {
  const pipeline = [python, join(here, "baseline/pipeline.py"), "--k", 16, "--out", `${out}-pipeline`, ...seven];
  runs["scikit-learn LEGO, 7 adapters"] = [await run(pipeline)];
}
print();

/** Same bytes for any number of threads, and the plain-loop kernels' result for one module. */
async function verify() {
  const weights = join(out, "adapter_model.safetensors");
  await run(lego(seven, 1));
  const one = readFileSync(weights);
  await run(lego(seven.toReversed(), 2));
  const two = readFileSync(weights);
  if (!one.equals(two)) throw new Error("threads or the order of inputs change the result");
  const opened = await openAdapters(seven);
  const adapters = opened.map(({ adapter }) => adapter);
  const plan = makePlan(adapters, { method: "lego", target: { kind: "rank", rank: 16 } });
  const sink = memorySink(plan.size);
  await new Merger(
    referenceKernels(),
    plan,
    adapters.map(({ files }) => files),
    sink,
  ).mergeModule(0);
  for (const { close } of opened) close();
  const { begin, end } = plan.modules[0].a;
  const word = (bytes, at) => new DataView(bytes.buffer, bytes.byteOffset).getUint16(at, true) << 16;
  const float = new Float32Array(new Int32Array(1).buffer);
  const bits = new Int32Array(float.buffer);
  const value = (bytes, at) => {
    bits[0] = word(bytes, at);
    return float[0];
  };
  for (let at = begin; at < end; at += 2) {
    const [ours, plain] = [value(one, at), value(sink.bytes, at)];
    if (Math.abs(ours - plain) > 0.01 * Math.abs(plain) + 1e-6)
      throw new Error(`wasm and plain loops differ at byte ${at}`);
  }
  console.log("verified: threads 1 and 2 and reversed inputs give the same bytes; plain loops give the same module");
}

function print() {
  console.log(
    `\n${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}, ${ROUNDS} rounds, cached files, whole processes\n`,
  );
  const ours = median(runs["lora-lego, 7 adapters"].map(({ seconds }) => seconds));
  for (const [name, measured] of Object.entries(runs)) {
    const seconds = measured.map((each) => each.seconds);
    const peak = Math.max(...measured.map((each) => each.megabytes));
    const spread = `min ${Math.min(...seconds).toFixed(2)}, median ${median(seconds).toFixed(2)}, max ${Math.max(...seconds).toFixed(2)} s`;
    console.log(
      `${name.padEnd(30)} ${spread}, peak ${peak.toFixed(0)} MB, ${(median(seconds) / ours).toFixed(1)}x lora-lego's time`,
    );
  }
  for (const [name, timings] of Object.entries(shares)) {
    const list = Object.entries(timings).map(([share, seconds]) => `${share} ${seconds.toFixed(2)}`);
    console.log(`\n${name}, core-seconds of the last run: ${list.join(", ")}`);
  }
  mkdirSync(join(here, "results"), { recursive: true });
  const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version };
  writeFileSync(join(here, "results/run.json"), JSON.stringify({ machine, runs, shares }, null, 2));
  for (const folder of [out, `${out}-average`, `${out}-pipeline`]) rmSync(folder, { recursive: true, force: true });
}
