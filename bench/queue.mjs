/**
 * Merging and scoring over a queue by 1, 2 and 4 worker processes, and what a job costs beside its work: `node bench/queue.mjs` after
 * `npm run build`. Needs redis-server; scores are measured where llama.cpp is installed (npm run setup:llama). Every merge is compared
 * with that of one process.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { makeInputs } from "./make-inputs.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const main = join(root, "dist/cli/main.js");
const PORT = 6391;
const URL_OF_QUEUE = `redis://127.0.0.1:${PORT}`;
const WORKERS = [1, 2, 4];
const MINIBENCH = join(root, "examples/minibench");

const folder = mkdtempSync(join(tmpdir(), "lora-lego-queue-"));
const kept = [];

/** Run a command. @returns its wall time in seconds */
async function timed(words) {
  const start = performance.now();
  const child = spawn(process.execPath, [main, ...words], { stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise((done) => child.on("close", done));
  if (code !== 0) throw new Error(`lora-lego ${words.join(" ")} ended with ${code}`);
  return (performance.now() - start) / 1000;
}

async function stopped(child) {
  const end = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  await end;
}

/** Do work beside so many workers. */
async function withWorkers(count, work) {
  const words = [main, "worker", "--queue", URL_OF_QUEUE, "--lanes", "1", "--root", folder, "--root", MINIBENCH];
  const workers = Array.from({ length: count }, () =>
    spawn(process.execPath, words, { stdio: ["ignore", "ignore", "pipe"] }),
  );
  // How long a worker takes to start is not measured.
  await Promise.all(workers.map(({ stderr }) => new Promise((done) => stderr.on("data", done))));
  try {
    return await work();
  } finally {
    await Promise.all(workers.map(stopped));
  }
}

/** Wall times of a command on one machine and with 1, 2 and 4 workers. @param words of the command, and its output */
async function compare(name, words, same) {
  const alone = await timed([...words(join(folder, `${name}-alone`), 0), "--threads", "1"]);
  const row = { name, alone };
  for (const count of WORKERS) {
    const out = join(folder, `${name}-${count}`);
    row[count] = await withWorkers(count, () => timed([...words(out, count), "--queue", URL_OF_QUEUE]));
    if (!same(join(folder, `${name}-alone`), out)) throw new Error(`${name}: ${count} workers wrote something else`);
  }
  console.log(
    `${name}: one process ${alone.toFixed(1)} s; workers ${WORKERS.map((n) => `${n}: ${row[n].toFixed(1)} s (${(row[1] / row[n]).toFixed(2)}x)`).join(", ")}`,
  );
  kept.push(row);
  return row;
}

const sameFile = (file) => (one, other) => readFileSync(file(one)).equals(readFileSync(file(other)));
const weights = (out) => join(out, "adapter_model.safetensors");

const redis = spawn("redis-server", ["--port", String(PORT), "--save", "", "--dir", folder], { stdio: "ignore" });
await setTimeout(1000);
try {
  console.log(
    `${cpus()[0].model}, ${availableParallelism()} cores, load ${readFileSync("/proc/loadavg", "utf8").split(" ")[0]}`,
  );
  const layers = Number(process.env.LAYERS ?? 8);
  const large = makeInputs(folder, 4, { layers, rank: 16, directions: 24 });
  const merge = (method, inputs) => (out) => ["merge", ...inputs, "--method", method, "--quiet", "--out", out];
  await compare(`${7 * layers} modules by ctm`, merge("ctm", large), sameFile(weights));
  await compare(`${7 * layers} modules by lego`, merge("lego", large), sameFile(weights));

  const small = ["cola", "rte", "sst2"].map((task) => join(MINIBENCH, "llama/all", task));
  const { 1: queued, alone } = await compare("a small merge", merge("average", small), sameFile(weights));
  const jobs =
    JSON.parse(
      spawnSync(process.execPath, [main, "merge", ...small, "--method", "average", "--dry-run", "--json"], {
        encoding: "utf8",
        maxBuffer: 1e9,
      }).stdout,
    ).modules.length + small.length;
  console.log(
    `${jobs} jobs of a small merge: ${((1000 * (queued - alone)) / jobs).toFixed(1)} ms more for each, starting included`,
  );

  if (existsSync(join(root, "test/llamacpp/node_modules"))) {
    const tasks = ["cola", "qnli", "rte", "sst2"];
    const rows = tasks.map((task) => join(MINIBENCH, "dev", `${task}.jsonl`)).join(", ");
    const adapters = tasks.map((task) => `{ path: ${join(MINIBENCH, "llama/all", task)}, task: ${task} }`).join(", ");
    writeFileSync(
      join(folder, "bench.yaml"),
      `base: ${join(MINIBENCH, "llama/base")}\ntasks: { dev: [${rows}], test: [${rows}] }\nadapters: [${adapters}]\nmerges: [{ method: lego }, { method: tsv }, { method: average }]\nranks: [4, 8]\n`,
    );
    const score = (out) => [
      "bench",
      "--config",
      join(folder, "bench.yaml"),
      "--limit",
      "32",
      "--out",
      `${out}.md`,
      "--cache",
      `${out}.cache`,
    ];
    const scored = await compare(
      "44 scores",
      score,
      sameFile((out) => `${out}.md`),
    );
    console.log(`a score of 32 rows: ${(scored[1] / 44).toFixed(2)} s`);
  }
  writeFileSync(resolve(process.argv[2] ?? join(folder, "queue.json")), JSON.stringify(kept, null, 1));
} finally {
  await stopped(redis);
  rmSync(folder, { recursive: true, force: true });
}
