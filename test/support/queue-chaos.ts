import { readFileSync } from "node:fs";
import { join } from "node:path";
import { mergeAdapters } from "../../src/node/merge-adapters.ts";
import { mergeQueued } from "../../src/queue/merge-queued.ts";
import { randomAdapter, writeAdapter } from "./pico.ts";
import { ended, startRedis, startWorker } from "./redis.ts";

const METHOD = { method: "ties_svd", target: { kind: "rank", rank: 4 } } as const;
const WORKERS = 3;

/** What a merge by workers that were killed came to. */
export interface Chaos {
  /** Whether the bytes are those of one process. */
  readonly same: boolean;
  /** Jobs that the producer counted as done. */
  readonly done: number;
  readonly kills: number;
}

/** Merge `modules` modules with three workers, of which the oldest is killed and replaced every `everyMs`, `most` times. */
export async function chaos(folder: string, modules: number, everyMs: number, most: number): Promise<Chaos> {
  const names = Array.from({ length: modules }, (_, i) => `layers.${i}.q_proj`);
  const shape = { modules: Object.fromEntries(names.map((name) => [name, { in: 96, out: 96 }])), rank: 4 };
  const paths = [0, 1, 2].map((seed) => writeAdapter(join(folder, `a${seed}`), randomAdapter(seed, shape)));
  const [alone, out] = [join(folder, "alone"), join(folder, "out")];
  await mergeAdapters(paths, METHOD, { out: alone, threads: 1 });
  const redis = await startRedis();
  const workers = Array.from({ length: WORKERS }, () => startWorker(redis.url, [folder]));
  let [kills, done, doneAtKill] = [0, 0, 0];
  const killing = setInterval(() => {
    // However slow the machine: the next one dies once some job was done since the last, so that all ends.
    if (done === doneAtKill || kills === most) return;
    doneAtKill = done;
    kills++;
    workers.shift()!.kill("SIGKILL");
    workers.push(startWorker(redis.url, [folder]));
  }, everyMs);
  try {
    const onProgress = (progress: { readonly done: number }): void => {
      done = progress.done;
    };
    await mergeQueued(paths, METHOD, { out, onProgress }, { url: redis.url });
  } finally {
    clearInterval(killing);
    await Promise.all(workers.map(ended));
    await redis.stop();
  }
  const bytes = (path: string): Buffer => readFileSync(join(path, "adapter_model.safetensors"));
  return { same: bytes(alone).equals(bytes(out)), done, kills };
}
