import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { basename, dirname, extname, join, resolve } from "node:path";
import { UsageError } from "../core/errors.ts";
import {
  type BenchHost,
  type BenchResult,
  type LogProbabilities,
  type OnBenchProgress,
  runBench,
} from "../evaluate/bench.ts";
import { type BenchFile, parseBench } from "../evaluate/bench-file.ts";
import { parseTaskRows, type TaskRow } from "../evaluate/task-rows.ts";
import { isHubPath } from "../hub/hub-path.ts";
import type { Recipe } from "../merge/recipe.ts";
import { prepareAdapter, prepareBase } from "./gguf-inputs.ts";
import { hashFiles } from "./hash.ts";
import { type LlamaModule, loadLlama, loadModel } from "./llama.ts";
import { mergeToFolder } from "./merge-to-folder.ts";
import { scoreRows } from "./score-rows.ts";

/** How to run a benchmark. */
export interface BenchOptions {
  /** Folder that keeps scores, so that an interrupted run goes on; default `<file>.cache` beside the file. */
  readonly cache?: string;
  /** Only so many rows of each task. */
  readonly limit?: number;
  readonly threads?: number;
  readonly llama?: LlamaModule;
  readonly signal?: AbortSignal;
  readonly onProgress?: OnBenchProgress;
}

/** Run the benchmark that a file describes. @throws what parsing it, merging and scoring throw */
export async function runBenchFile(file: string, options: BenchOptions = {}): Promise<BenchResult> {
  const { limit = Number.POSITIVE_INFINITY, threads = availableParallelism(), signal, onProgress } = options;
  const bench = await parseBench(readFileSync(file, "utf8"), file);
  const home = dirname(resolve(file));
  const at = (path: string): string => (isHubPath(path) ? path : resolve(home, path));
  const rows = { dev: readRows(bench.dev.map(at), limit), test: readRows(bench.test.map(at), limit) };
  checkTasks(bench, rows.test, file);
  const cache = options.cache ?? `${resolve(file)}.cache`;
  mkdirSync(cache, { recursive: true });
  const module = options.llama ?? (await loadLlama());
  const scratch = mkdtempSync(join(tmpdir(), "lora-lego-bench-"));
  try {
    const base = await prepareBase(scratch, at(bench.base));
    const loaded = await loadModel(module, base.model, threads);
    try {
      const inputs = bench.adapters.map(({ path }) => at(path));
      const prepared = new Map<string, { file: string; hash: string }>();
      const ready = async (path: string): Promise<{ file: string; hash: string }> => {
        const known = prepared.get(path);
        if (known !== undefined) return known;
        const made = await prepareAdapter(scratch, prepared.size, at(path), base.config, { ...(signal && { signal }) });
        const entry = { file: made, hash: hashFiles([made]) };
        prepared.set(path, entry);
        return entry;
      };
      const baseHash = hashFiles([base.model]);
      let merges = 0;
      const host: BenchHost = {
        async merge(recipe: Recipe) {
          const out = join(scratch, `merge-${merges++}`);
          await mergeToFolder(inputs, recipe, { out, threads: 1, ...(signal && { signal }) });
          return out;
        },
        async score(path, scale, some) {
          const adapter = path === null ? null : await ready(path);
          const key = [baseHash, adapter?.hash ?? null, scale, some];
          const kept = join(cache, `${createHash("sha256").update(JSON.stringify(key)).digest("hex")}.f32`);
          if (existsSync(kept)) return unpack(kept, some);
          const on = adapter === null ? [] : [{ filePath: adapter.file, scale }];
          const scores = await scoreRows(loaded.model, on, some, threads, () => {}, signal);
          const values = scores.flatMap((row) => row.map(({ logProbability }) => logProbability));
          writeFileSync(`${kept}.tmp`, new Uint8Array(Float32Array.from(values).buffer));
          renameSync(`${kept}.tmp`, kept);
          return unpack(kept, some);
        },
      };
      return await runBench(bench, rows, host, onProgress);
    } finally {
      await loaded.close();
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function readRows(files: readonly string[], limit: number): TaskRow[] {
  const rows = files.flatMap((file) =>
    parseTaskRows(readFileSync(file, "utf8"), basename(file, extname(file)), basename(file)),
  );
  return firstOfEach(rows, limit);
}

/** The first rows of each task. */
export function firstOfEach(rows: readonly TaskRow[], limit: number): TaskRow[] {
  const taken = new Map<string, number>();
  return rows.filter(({ task }) => {
    taken.set(task, (taken.get(task) ?? 0) + 1);
    return taken.get(task)! <= limit;
  });
}

function checkTasks({ adapters, unseen }: BenchFile, rows: readonly TaskRow[], file: string): void {
  const tasks = new Set(rows.map(({ task }) => task));
  const stray = [...adapters.flatMap(({ task }) => task ?? []), ...unseen].find((task) => !tasks.has(task));
  if (stray === undefined) return;
  throw new UsageError(
    `${file}: there are no test rows of the task ${stray} (the tasks are ${[...tasks].join(", ")}); correct its name.`,
  );
}

function unpack(file: string, rows: readonly TaskRow[]): LogProbabilities {
  const bytes = readFileSync(file);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  let at = 0;
  return rows.map(({ choices }) => {
    const row = [...values.subarray(at, at + choices.length)];
    at += choices.length;
    return row;
  });
}
