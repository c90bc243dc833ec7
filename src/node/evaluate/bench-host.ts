import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { BenchHost, LogProbabilities } from "../../evaluate/bench.ts";
import type { TaskRow } from "../../evaluate/task-rows.ts";
import { mergeToFolder } from "../merge-adapters.ts";
import { OutputFile } from "../output/output-file.ts";
import { hashFiles } from "../threads/hash.ts";
import { type PreparedBase, prepareAdapter } from "./gguf-inputs.ts";
import type { LlamaModel } from "./llama.ts";
import { scoreRows } from "./score-rows.ts";

/** What a benchmark runs on. */
export interface BenchPlace {
  /** The adapters to merge. */
  readonly inputs: readonly string[];
  /** The base model, loaded and as files. */
  readonly model: LlamaModel;
  readonly base: PreparedBase;
  /** Folder for merges, which holds one at a time, and folder for scores, which are kept. */
  readonly scratch: string;
  readonly cache: string;
  readonly threads: number;
  readonly signal?: AbortSignal;
}

/** An adapter as llama.cpp reads it. */
interface ReadyAdapter {
  readonly file: string;
  readonly hash: string;
}

/** The rows of one task, and their positions among all rows. */
interface OneTask {
  readonly own: readonly TaskRow[];
  readonly places: readonly number[];
  /** SHA-256 of the rows. */
  readonly digest: string;
}

/** Merges with mergeToFolder, scores with llama.cpp, and caches each task's scores by the content of base, adapter and rows. */
export function benchHost(place: BenchPlace): BenchHost {
  const { inputs, model, scratch, cache, threads, signal } = place;
  const told = { ...(signal && { signal }) };
  const baseHash = hashFiles([place.base.model]);
  const ready = new Map<string, ReadyAdapter>();
  const tasks = new WeakMap<readonly TaskRow[], readonly OneTask[]>();
  // llama.cpp identifies adapters by path, so no path is used twice.
  let made = 0;
  let merged: string | null = null;

  const readyAdapter = async (path: string): Promise<ReadyAdapter> => {
    const known = ready.get(path);
    if (known !== undefined) return known;
    const file = await prepareAdapter(scratch, made++, path, place.base, told);
    const adapter = { file, hash: hashFiles([file]) };
    ready.set(path, adapter);
    return adapter;
  };
  const tasksOf = (rows: readonly TaskRow[]): readonly OneTask[] => {
    const known = tasks.get(rows) ?? byTask(rows);
    tasks.set(rows, known);
    return known;
  };
  const forget = (folder: string): void => {
    rmSync(folder, { recursive: true, force: true });
    const adapter = ready.get(folder);
    if (adapter !== undefined) rmSync(adapter.file, { force: true });
    ready.delete(folder);
  };

  return {
    async merge(recipe) {
      if (merged !== null) forget(merged);
      merged = join(scratch, `merge-${made++}`);
      await mergeToFolder(inputs, recipe, { out: merged, threads: 1, ...told });
      return merged;
    },
    async score(path, scale, rows) {
      const adapter = path === null ? null : await readyAdapter(path);
      const scores = new Array<readonly number[]>(rows.length);
      for (const { own, places, digest } of tasksOf(rows)) {
        const key = [baseHash, adapter?.hash ?? null, scale, digest];
        const kept = join(cache, `${sha256(JSON.stringify(key))}.f32`);
        if (!existsSync(kept)) {
          const on = adapter === null ? [] : [{ filePath: adapter.file, scale }];
          const found = await scoreRows(model, on, own, threads, () => {}, signal);
          const values = found.flatMap((row) => row.map(({ logProbability }) => logProbability));
          const packed = new Uint8Array(Float32Array.from(values).buffer);
          OutputFile.write(kept, packed, { inputs: [], force: true });
        }
        for (const [i, row] of unpack(readFileSync(kept), own).entries()) scores[places[i]!] = row;
      }
      return scores;
    },
  };
}

function byTask(rows: readonly TaskRow[]): OneTask[] {
  return [...new Set(rows.map(({ task }) => task))].map((task) => {
    const places = rows.flatMap((row, i) => (row.task === task ? [i] : []));
    const own = places.map((i) => rows[i]!);
    return { own, places, digest: sha256(JSON.stringify(own)) };
  });
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function unpack(bytes: Buffer, rows: readonly TaskRow[]): LogProbabilities {
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  let at = 0;
  return rows.map(({ choices }) => {
    const row = [...values.subarray(at, at + choices.length)];
    at += choices.length;
    return row;
  });
}
