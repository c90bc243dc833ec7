import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { type BenchResult, type OnBenchProgress, runBench } from "../evaluate/bench.ts";
import { checkTasks, parseBench } from "../evaluate/bench-file.ts";
import { isHubPath } from "../hub/hub-path.ts";
import { benchHost } from "./bench-host.ts";
import { prepareBase } from "./gguf-inputs.ts";
import { type LlamaModule, loadLlama, loadModel } from "./llama.ts";
import { readTaskFiles } from "./task-files.ts";

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
  const { threads = availableParallelism(), signal, onProgress } = options;
  const limit = { ...(options.limit !== undefined && { limit: options.limit }) };
  const bench = await parseBench(readFileSync(file, "utf8"), file);
  const home = dirname(resolve(file));
  const at = (path: string): string => (isHubPath(path) ? path : resolve(home, path));
  const placed = {
    ...bench,
    adapters: bench.adapters.map((adapter) => ({ ...adapter, path: at(adapter.path) })),
    joint: bench.joint === null ? null : at(bench.joint),
  };
  const rows = { dev: readTaskFiles(bench.dev.map(at), limit), test: readTaskFiles(bench.test.map(at), limit) };
  checkTasks(placed, rows, file);
  const cache = options.cache ?? `${resolve(file)}.cache`;
  mkdirSync(cache, { recursive: true });
  const module = options.llama ?? (await loadLlama());
  const scratch = mkdtempSync(join(tmpdir(), "lora-lego-bench-"));
  try {
    const base = await prepareBase(scratch, at(bench.base));
    const { model, close } = await loadModel(module, base.model, threads);
    try {
      const inputs = placed.adapters.map(({ path }) => path);
      const place = { inputs, model, base, scratch, cache, threads, ...(signal && { signal }) };
      return await runBench(placed, rows, benchHost(place), onProgress);
    } finally {
      await close();
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
