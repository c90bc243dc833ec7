/**
 * How time and memory of a merge grow: one size after the other grows (adapters, rank, modules, columns, threads) around a small
 * merge, each run in a process of its own. Prints tables with the exponents fitted to each curve (the slope of log time over log size,
 * by least squares, after what an empty merge takes is subtracted) and keeps them in bench/results/scaling.json.
 * Processor time is user and system time of the whole process, so that other work on the machine counts little.
 *
 *   npm run bench:scaling
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeInputs } from "./make-inputs.mjs";
import { median, run } from "./measure.mjs";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const here = fileURLToPath(new URL(".", import.meta.url));
const cli = join(here, "../dist/cli/main.js");
const folder = mkdtempSync(join(tmpdir(), "lora-lego-scaling-"));

/** The merge that one size is changed of; `columns` is in and out of its one kind of module. */
const BASE = { adapters: 8, rank: 16, modules: 8, columns: 2048, threads: 1 };
const CURVES = {
  adapters: [2, 8, 32, 64, 128, 200],
  rank: [4, 16, 64, 128, 256, 512],
  modules: [2, 8, 32, 128],
  columns: [1024, 4096, 16384, 65536],
  threads: [1, 2, 3, 4],
};
/** Other sizes around a curve, so that its points differ by more than the start of a process and end in minutes. */
const AROUND = { adapters: { rank: 4, modules: 4 }, rank: { adapters: 2, modules: 2 }, threads: { modules: 64 } };

try {
  const empty = await measure({ ...BASE, adapters: 2, rank: 1, modules: 1, columns: 64 });
  const table = {};
  for (const [size, values] of Object.entries(CURVES)) {
    table[size] = [];
    for (const value of values) {
      const point = await measure({ ...BASE, ...AROUND[size], [size]: value });
      table[size].push({ value, ...point });
    }
    print(size, table[size], empty);
  }
  mkdirSync(join(here, "results"), { recursive: true });
  const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version };
  writeFileSync(join(here, "results/scaling.json"), JSON.stringify({ machine, rounds: ROUNDS, empty, table }, null, 2));
} finally {
  rmSync(folder, { recursive: true });
}

/** Medians of a merge's seconds, processor seconds and peak memory, and the bytes of its inputs. */
async function measure({ adapters, rank, modules, columns, threads }) {
  const place = join(folder, `${rank}-${modules}-${columns}`);
  const linear = [["self_attn.q_proj", columns, columns]];
  const inputs = makeInputs(place, adapters, { layers: modules, rank, directions: 2 * rank, linear });
  const out = join(folder, "out");
  const command = [process.execPath, cli, "merge", ...inputs, "--method", "lego", "--rank", rank];
  command.push("--threads", threads, "--out", out, "--force", "--quiet");
  const runs = [];
  for (let round = 0; round < ROUNDS; round++) runs.push(await run(command));
  const of = (field) => median(runs.map((each) => each[field]));
  return {
    seconds: of("seconds"),
    processor: of("processor"),
    megabytes: of("megabytes"),
    inputMegabytes: (adapters * modules * rank * 2 * columns * 2) / 1e6,
  };
}

function print(size, points, empty) {
  console.log(`\n| ${size} | inputs, MB | time, s | processor, s | memory, MB |\n|---|---|---|---|---|`);
  for (const { value, seconds, processor, megabytes, inputMegabytes } of points) {
    const cells = [value, inputMegabytes.toFixed(1), seconds.toFixed(2), processor.toFixed(2), megabytes.toFixed(0)];
    console.log(`| ${cells.join(" | ")} |`);
  }
  const exponent = (field) => slope(points.map((point) => [point.value, point[field] - empty[field]]));
  console.log(
    `\nprocessor time grows with ${size} ^ ${exponent("processor")}, memory above an empty merge's with ^ ${exponent("megabytes")}`,
  );
}

/** The least-squares slope of log y over log x; points at the level of an empty merge are left out. */
function slope(points) {
  const logs = points.filter(([, y]) => y > 0.02).map(([x, y]) => [Math.log(x), Math.log(y)]);
  if (logs.length < 2) return "?";
  const mean = (at) => logs.reduce((sum, pair) => sum + pair[at], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const over = logs.reduce((sum, pair) => sum + (pair[0] - x) * (pair[1] - y), 0);
  return (over / logs.reduce((sum, pair) => sum + (pair[0] - x) ** 2, 0)).toFixed(2);
}
