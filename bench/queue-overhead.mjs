/**
 * What a job costs beside its work, in processor time, which other programs do not change: of Redis, of the producer and of the worker.
 * `node bench/queue-overhead.mjs` after `npm run build`; needs redis-server.
 */
import { fork, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Board, queueName } from "../build/lib/queue/board.js";
import { reachQueue } from "../build/lib/queue/bull.js";
import { Producer } from "../build/lib/queue/producer.js";

const PORT = 6392;
const URL_OF_QUEUE = `redis://127.0.0.1:${PORT}`;
const JOBS = 2000;
/** About what a merged module of rank 16 and seven inputs has to say. */
const RESULT = JSON.stringify(Array.from({ length: 200 }, (_, i) => i / 7));

const milliseconds = ({ user, system }) => (user + system) / 1000;

/** Answers every job at once. */
async function answer() {
  const { bull, connection, client } = await reachQueue(URL_OF_QUEUE);
  const board = new Board(client);
  let [id] = await board.works();
  for (; id === undefined; [id] = await board.works()) await setTimeout(50);
  const start = process.cpuUsage();
  let done = 0;
  const work = async () => {
    if (++done === JOBS) void setTimeout(500).then(() => process.send(milliseconds(process.cpuUsage(start)) / JOBS));
    return RESULT;
  };
  new bull.Worker(queueName(id), work, { connection, concurrency: 4 });
}

async function measure() {
  const folder = mkdtempSync(join(tmpdir(), "lora-lego-queue-"));
  const words = ["--port", String(PORT), "--appendonly", "yes", "--dir", folder];
  const redis = spawn("redis-server", words, { stdio: "ignore" });
  await setTimeout(1000);
  const child = fork(fileURLToPath(import.meta.url), ["worker"]);
  const ofWorker = new Promise((done) => child.once("message", done));
  try {
    const reached = await reachQueue(URL_OF_QUEUE);
    const ofRedis = async () =>
      1000 *
      [.../used_cpu_(?:sys|user):([\d.]+)/g[Symbol.matchAll](await reached.client.info())].reduce(
        (sum, [, s]) => sum + Number(s),
        0,
      );
    await Producer.with(URL_OF_QUEUE, {}, async (producer) => {
      const before = await ofRedis();
      const start = process.cpuUsage();
      const place = { path: "/x", print: "", stamp: "" };
      const work = { kind: "tune", version: "", owner: "", base: place, adapters: [place], merged: 1, rows: [] };
      const { run } = await producer.open(work, async (_, text) => JSON.parse(text));
      const wall = performance.now();
      await Promise.all(Array.from({ length: JOBS }, (_, rows) => run("job", { rows })));
      const [own, took] = [milliseconds(process.cpuUsage(start)), performance.now() - wall];
      const redisTime = (await ofRedis()) - before;
      console.log(
        `${JOBS} jobs: Redis ${(redisTime / JOBS).toFixed(2)} ms, producer ${(own / JOBS).toFixed(2)} ms, worker ${(await ofWorker).toFixed(2)} ms of a processor for each; ${(took / JOBS).toFixed(2)} ms of wall time`,
      );
      await producer.finish();
    });
    await reached.close();
  } finally {
    child.kill("SIGKILL");
    redis.kill("SIGKILL");
    await setTimeout(200);
    rmSync(folder, { recursive: true, force: true });
  }
}

await (process.argv[2] === "worker" ? answer() : measure());
