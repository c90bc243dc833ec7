import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { tempFolder } from "./pico.ts";

/** Whether there is a redis-server to test with; tests that need one say that they skip. */
export const HAS_REDIS: boolean = spawnSync("redis-server", ["--version"]).status === 0;
if (!HAS_REDIS) console.warn("Tests of queues skip: there is no redis-server (apt-get install redis-server).");

const WORKER = fileURLToPath(new URL("queue-worker.mjs", import.meta.url));
/** A worker that is silent for this long loses its jobs. */
const PATIENCE_MS = 1000;

/** A Redis of a test's own. */
export interface TestRedis {
  readonly url: string;
  /** End it at once, and start it again on what its append-only file holds. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Start Redis on a free port, with every write flushed to its append-only file. */
export async function startRedis(more: readonly string[] = []): Promise<TestRedis> {
  const port = await freePort();
  const folder = tempFolder();
  const words = ["--port", String(port), "--dir", folder, "--save", "", "--appendonly", "yes", ...more];
  let server = await started(words);
  return {
    url: `redis://127.0.0.1:${port}`,
    async restart() {
      await ended(server);
      server = await started(words);
    },
    stop: () => ended(server),
  };
}

async function started(words: readonly string[]): Promise<ChildProcess> {
  const server = spawn("redis-server", [...words, "--appendfsync", "always"], { stdio: ["ignore", "pipe", "ignore"] });
  await new Promise<void>((resolve, reject) => {
    server.on("exit", (code) => reject(new Error(`redis-server ended with ${code}`)));
    server.stdout!.on("data", (text) => {
      if (String(text).includes("Ready to accept connections")) resolve();
    });
  });
  return server;
}

/** Kill a process and wait for its end. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const end = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await end;
}

/** A port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Start a worker process. @param told gets what it says */
export function startWorker(
  url: string,
  roots: readonly string[],
  told: (text: string) => void = () => {},
): ChildProcess {
  const worker = spawn(process.execPath, [WORKER, url, String(PATIENCE_MS), ...roots], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  worker.stderr!.setEncoding("utf8").on("data", told);
  return worker;
}

/** `runWorker` as it was built: its threads run compiled code. */
export async function builtWorker(): Promise<typeof import("../../src/queue/worker.ts").runWorker> {
  const path = "../../build/lib/queue/worker.js";
  return ((await import(path)) as typeof import("../../src/queue/worker.ts")).runWorker;
}
