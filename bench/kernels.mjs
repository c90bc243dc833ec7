// The kernels of both backends: verified against each other, then timed, interleaved. Run
// `npm run build && node bench/kernels.mjs [part of a name]`.
// Prints the best and the median time per call; raw figures go to bench/results/kernels.json.
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { seededRandom } from "../build/lib/core/random.js";
import { referenceKernels } from "../build/lib/kernels/reference.js";
import { wasmKernels } from "../build/lib/kernels/wasm.js";

const ROUNDS = { wasm: 60, reference: 2 };
const MIN_ROUND_MS = 4;
const BYTES = { F32: 4, BF16: 2, F16: 2, F8_E4M3: 1 };

/** Rows of weights like a LoRA factor's, the same in both backends. */
function randomRows(kernels, length) {
  const rows = kernels.f32(length);
  const random = seededRandom(7);
  for (let i = 0; i < length; i++) rows[i] = (random.uniform() - 0.5) * 0.1;
  return rows;
}

/** A case prepares its views in an arena and returns [call, views to compare, work in multiply-adds or elements]. */
function pairCase(kernel, count, length, ...more) {
  const unit = kernel === "manhattan" ? "G terms/s" : "GFLOP/s";
  return {
    name: `${kernel} ${count} x ${length}`,
    unit,
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
        work: unit === "GFLOP/s" ? 2 * terms : terms,
      };
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
  ...[8192, 15104].flatMap((length) => [pairCase("gram", 112, length), pairCase("gramF64", 112, length)]),
  pairCase("manhattan", 112, 8192, -1),
  ...["BF16", "F16", "F8_E4M3", "F32"].map((dtype) => widenCase(dtype, 16, 4096)),
  ...["BF16", "F32"].flatMap((dtype) => [4096, 11008].map((rows) => widenTransposedCase(dtype, rows, 16))),
  ...["BF16", "F16"].map((dtype) => narrowCase("narrow", dtype, 16, 4096)),
  ...["BF16", "F16", "F32"].map((dtype) => narrowCase("narrowTransposed", dtype, 16, 4096)),
  ...[1, 7, 112].map((members) => combineCase(members, 8192)),
  multiplyCase(16, 112, 4096),
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

/** Milliseconds a call, over as many calls as fill a round. */
function timeRound(run, calls) {
  const start = performance.now();
  for (let i = 0; i < calls; i++) run();
  return (performance.now() - start) / calls;
}

const chosen = CASES.filter(({ name }) => name.includes(process.argv[2] ?? ""));
const backends = [wasmKernels(), referenceKernels()];
const results = [];
console.log(`${"".padEnd(42)}${"wasm: best, median".padStart(38)}${"reference: best".padStart(28)}`);
for (const { name, unit = "G elements/s", tolerance, prepare } of chosen) {
  const [wasm, reference] = backends.map((kernels) => {
    kernels.reset(32 * 2 ** 20);
    const prepared = prepare(kernels);
    prepared.run();
    prepared.tidy?.();
    return { ...prepared, backend: kernels.backend, times: [] };
  });
  verify(name, wasm.out, reference.out, tolerance);
  for (const one of [wasm, reference]) {
    const once = timeRound(one.run, one.backend === "wasm" ? 10 : 1);
    one.calls = Math.max(1, Math.ceil(MIN_ROUND_MS / once));
  }
  for (let round = 0; round < ROUNDS.wasm; round++) {
    wasm.times.push(timeRound(wasm.run, wasm.calls));
    if (round < ROUNDS.reference) reference.times.push(timeRound(reference.run, reference.calls));
  }
  const figures = [wasm, reference].map(({ backend, times, work }) => {
    times.sort((a, b) => a - b);
    const best = times[0];
    const median = times[times.length >> 1];
    return { name, backend, unit, best, median, rate: work / best / 1e6 };
  });
  results.push(...figures);
  const [w, r] = figures;
  const ms = (value) => `${value.toFixed(3)} ms`;
  const left = `${ms(w.best)}, ${ms(w.median)}, ${w.rate.toFixed(2)} ${unit}`;
  console.log(`${name.padEnd(42)}${left.padStart(42)}${`${ms(r.best)}, ${r.rate.toFixed(2)}`.padStart(24)}`);
}

mkdirSync(new URL("results/", import.meta.url), { recursive: true });
const machine = { cpu: cpus()[0]?.model, node: process.version };
writeFileSync(new URL("results/kernels.json", import.meta.url), `${JSON.stringify({ machine, results }, null, 2)}\n`);
