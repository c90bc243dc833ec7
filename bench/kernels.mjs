// The kernels of both backends: verified against each other, then timed, interleaved, and beside another build where one is named:
//
//   npm run build && node bench/kernels.mjs [part of a name] [OTHER]    OTHER: a checkout that is built, such as the commit before
//
// Times are processor time, so that other work on the machine counts little; the best of many short rounds is printed. For products also
// the share of this processor's 128-bit peak, which peak.mjs measures in the same rounds. Raw figures go to bench/results/kernels.json.
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { seededRandom } from "../build/lib/core/random.js";
import { referenceKernels } from "../build/lib/kernels/reference.js";
import { wasmKernels } from "../build/lib/kernels/wasm.js";
import { peakLoop } from "./peak.mjs";

const ROUNDS = 60;
const MIN_ROUND_MS = 3;
const BYTES = { F32: 4, BF16: 2, F16: 2, F8_E4M3: 1 };

/** Rows of weights like a LoRA factor's, the same in both backends. */
function randomRows(kernels, length) {
  const rows = kernels.f32(length);
  const random = seededRandom(7);
  for (let i = 0; i < length; i++) rows[i] = (random.uniform() - 0.5) * 0.1;
  return rows;
}

/**
 * A case prepares its views in an arena: a call, the views to compare, and the call's work, in operations if `peak` says what share of the
 * f32 peak its kind can have, else in elements.
 */
function pairCase(kernel, count, length, ...more) {
  const peak = { gram: 1, gramF64: 0.5 }[kernel];
  return {
    name: `${kernel} ${count} x ${length}`,
    unit: peak === undefined ? "G terms/s" : "GFLOP/s",
    peak,
    tolerance: 1e-5,
    prepare(k) {
      const rows = randomRows(k, count * length);
      const out = k.f64(count * count).fill(0);
      const terms = ((count * (count + 1)) / 2) * length;
      return {
        run: () => k[kernel](rows, count, length, length, ...more, out),
        out,
        // What a kernel leaves below the diagonal means nothing.
        tidy() {
          for (let i = 0; i < count; i++) out.fill(0, i * count, i * count + i);
        },
        work: peak === undefined ? terms : 2 * terms,
      };
    },
  };
}

function crossCase(count, others, length) {
  return {
    name: `cross ${count} and ${others} x ${length}`,
    unit: "GFLOP/s",
    peak: 0.5,
    tolerance: 1e-12,
    prepare(k) {
      const rows = randomRows(k, (count + others) * length);
      const out = k.f64(count * others).fill(0);
      const second = rows.subarray(count * length);
      const run = () => k.cross(rows, count, length, second, others, length, length, out);
      return { run, out, work: 2 * count * others * length };
    },
  };
}

function encodedRows(k, dtype, length) {
  const bytes = k.bytes(length * BYTES[dtype]);
  if (dtype === "F8_E4M3") for (let i = 0; i < length; i++) bytes[i] = (i * 37) & 0x77;
  else k.narrow(dtype, randomRows(k, length), bytes);
  return bytes;
}

function widenCase(dtype, rows, cols) {
  return {
    name: `widen ${dtype} (${rows}, ${cols})`,
    prepare(k) {
      const src = encodedRows(k, dtype, rows * cols);
      const out = k.f32(rows * cols);
      return { run: () => k.widen(dtype, src, cols, rows, cols, out, cols, 0.5), out, work: rows * cols };
    },
  };
}

function widenTransposedCase(dtype, rows, cols) {
  return {
    name: `widenTransposed ${dtype} (${rows}, ${cols})`,
    prepare(k) {
      const src = encodedRows(k, dtype, rows * cols);
      const out = k.f32(rows * cols);
      return { run: () => k.widenTransposed(dtype, src, rows, cols, out, rows, 0.5), out, work: rows * cols };
    },
  };
}

function narrowCase(kernel, dtype, count, length) {
  return {
    name: `${kernel} ${dtype} ${count} x ${length}`,
    prepare(k) {
      const src = randomRows(k, count * length);
      const out = k.bytes(count * length * BYTES[dtype]);
      const run =
        kernel === "narrow"
          ? () => k.narrow(dtype, src, out)
          : () => k.narrowTransposed(dtype, src, count, length, length, out);
      return { run, out, work: count * length };
    },
  };
}

function combineCase(members, length) {
  return {
    name: `combine ${members} of 112 rows of ${length}`,
    prepare(k) {
      const rows = randomRows(k, 112 * length);
      const out = k.f32(length);
      const list = Array.from({ length: members }, (_, m) => Math.floor((m * 112) / members));
      const coefficients = list.map((m) => 1 / (m + 1));
      const sums = { offsets: k.u32(2), members: k.u32(members), coefficients: k.f32(members) };
      sums.offsets.set([0, members]);
      sums.members.set(list);
      sums.coefficients.set(coefficients);
      return { run: () => k.combine(rows, length, length, sums, out, length), out, work: members * length };
    },
  };
}

function electedMeanCase(count, length) {
  return {
    name: `electedMean ${count} x ${length}`,
    prepare(k) {
      const rows = randomRows(k, count * length);
      const weights = k.f64(count).fill(1);
      const out = k.f32(length);
      const vote = { weighted: false, byValue: true };
      const run = () => k.electedMean(rows, count, length, length, weights, vote, out);
      return { run, out, work: count * length };
    },
  };
}

function multiplyCase(outRows, count, length) {
  return {
    name: `multiply (${outRows}, ${count}) x (${count}, ${length})`,
    unit: "GFLOP/s",
    peak: 0.5,
    prepare(k) {
      const rows = randomRows(k, count * length);
      const coefficients = k.f64(outRows * count).map((_, i) => Math.sin(i));
      const factors = k.f64(outRows * count);
      factors.set(coefficients);
      const out = k.f32(outRows * length);
      const run = () => k.multiply(factors, outRows, rows, count, length, length, out, length);
      return { run, out, work: 2 * outRows * count * length };
    },
  };
}

function foldCase(kernel, count, length) {
  return {
    name: `${kernel} ${count} x ${length}`,
    tolerance: 1e-13,
    prepare(k) {
      const rows = randomRows(k, count * length);
      const out = k.f64(count);
      return { run: () => k[kernel](rows, count, length, length, out), out, work: count * length };
    },
  };
}

const scaleCase = {
  name: "scale 112 x 8192",
  prepare(k) {
    const out = randomRows(k, 112 * 8192);
    return { run: () => k.scale(out, -1), out, work: 112 * 8192 };
  },
};

const CASES = [
  ...["gram", "gramF64"].flatMap((kernel) =>
    [112, 512].flatMap((count) => [4096, 11008].map((length) => pairCase(kernel, count, length))),
  ),
  crossCase(112, 512, 4096),
  pairCase("manhattan", 112, 8192, -1),
  ...["BF16", "F16", "F8_E4M3", "F32"].map((dtype) => widenCase(dtype, 16, 4096)),
  ...["BF16", "F32"].flatMap((dtype) => [4096, 11008].map((rows) => widenTransposedCase(dtype, rows, 16))),
  ...["BF16", "F16"].map((dtype) => narrowCase("narrow", dtype, 16, 4096)),
  ...["BF16", "F16", "F32"].map((dtype) => narrowCase("narrowTransposed", dtype, 16, 4096)),
  ...[1, 7, 112].map((members) => combineCase(members, 8192)),
  multiplyCase(16, 112, 4096),
  multiplyCase(112, 112, 4096),
  multiplyCase(512, 512, 4096),
  multiplyCase(128, 16, 4096),
  multiplyCase(1, 7, 4096),
  electedMeanCase(7, 4096),
  foldCase("maxAbs", 112, 8192),
  foldCase("squaredNorms", 112, 8192),
  scaleCase,
];

function verify(name, actual, expected, tolerance = 0) {
  const scale = expected.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
  for (let i = 0; i < expected.length; i++) {
    if (!(Math.abs(actual[i] - expected[i]) <= tolerance * scale)) {
      throw new Error(`${name}: element ${i} is ${actual[i]} in wasm, ${expected[i]} in the reference`);
    }
  }
}

/** Milliseconds of processor time a call. */
function timeRound({ run, calls }) {
  const start = process.cpuUsage();
  for (let i = 0; i < calls; i++) run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000 / calls;
}

/** What the kernels make of a case, its sums not yet added to twice. */
function prepared(kernels, { prepare }) {
  kernels.reset(64 * 2 ** 20);
  const one = prepare(kernels);
  one.run();
  one.tidy?.();
  return one;
}

/** Best milliseconds of each so far, in rounds that take turns. */
function race(runners) {
  for (const one of runners) {
    one.calls = 1;
    one.calls = Math.max(1, Math.ceil(MIN_ROUND_MS / Math.max(timeRound(one), timeRound(one), 1e-3)));
    one.best ??= Number.POSITIVE_INFINITY;
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const one of runners) one.best = Math.min(one.best, timeRound(one));
  }
}

const [part = "", beside] = process.argv.slice(2);
const builds = { wasm: wasmKernels() };
if (beside !== undefined) {
  const path = join(resolve(beside), "build/lib/kernels/wasm.js");
  builds.other = (await import(pathToFileURL(path).href)).wasmKernels();
}
const reference = referenceKernels();
const peak = await peakLoop();
const results = [];
console.log(
  `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}; best of ${ROUNDS} rounds, processor time\n`,
);
for (const one of CASES.filter(({ name }) => name.includes(part))) {
  const { name, unit = "G elements/s", tolerance } = one;
  const expected = prepared(reference, one);
  const runners = Object.entries(builds).map(([build, kernels]) => ({ build, ...prepared(kernels, one) }));
  for (const { out } of runners) verify(name, out, expected.out, tolerance);
  race([...runners, peak]);
  const peakRate = (peak.work / peak.best / 1e6) * (one.peak ?? Number.NaN);
  const shown = runners.map(({ build, best, work }) => {
    const rate = work / best / 1e6;
    const share = rate / peakRate;
    results.push({ name, build, unit, best, rate, share });
    const ofPeak = Number.isNaN(share) ? "" : `, ${(100 * share).toFixed(0)} % of ${peakRate.toFixed(1)}`;
    return `${build} ${best.toFixed(3)} ms, ${rate.toFixed(2)} ${unit}${ofPeak}`.padEnd(58);
  });
  console.log(`${name.padEnd(42)}${shown.join("")}`.trimEnd());
}

mkdirSync(new URL("results/", import.meta.url), { recursive: true });
const machine = { cpu: cpus()[0]?.model, node: process.version };
writeFileSync(new URL("results/kernels.json", import.meta.url), `${JSON.stringify({ machine, results }, null, 2)}\n`);
