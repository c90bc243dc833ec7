import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { LogProbabilities } from "../../evaluate/bench.ts";
import type { TaskRow } from "../../evaluate/task-rows.ts";
import { hashFiles } from "../files/hash.ts";
import { ensureFolder } from "../output/make-folder.ts";
import { OutputFile } from "../output/output-file.ts";
import type { LlamaModel } from "./llama.ts";
import { scoreRows } from "./score-rows.ts";

/** What rows are scored on, and where scores are kept. */
export interface ScorePlace {
  readonly model: LlamaModel;
  /** Path of the model's GGUF file. */
  readonly file: string;
  /** Folder of finished scores, which is made for the first one. */
  readonly cache: string;
  readonly threads: number;
  readonly signal?: AbortSignal;
}

/** An adapter as llama.cpp reads it. */
export interface ReadyAdapter {
  readonly file: string;
  /** SHA-256 of the file. */
  readonly hash: string;
}

/** The log-probabilities of rows' choices, for an adapter at a scale, or the base alone. */
export type ScoresOf = (
  adapter: ReadyAdapter | null,
  scale: number,
  rows: readonly TaskRow[],
) => Promise<LogProbabilities>;

/** Scores rows with llama.cpp, or finds their scores again, by the content of base, adapter and rows. */
export function keptScores({ model, file, cache, threads, signal }: ScorePlace): ScoresOf {
  let baseHash: Promise<string> | undefined;
  const digests = new WeakMap<readonly TaskRow[], string>();
  const digestOf = (rows: readonly TaskRow[]): string => {
    const digest = digests.get(rows) ?? sha256(JSON.stringify(rows));
    digests.set(rows, digest);
    return digest;
  };
  return async (adapter, scale, rows) => {
    baseHash ??= hashFiles([file]);
    const key = [await baseHash, adapter?.hash ?? null, scale, digestOf(rows)];
    const kept = join(cache, `${sha256(JSON.stringify(key))}.f32`);
    if (!existsSync(kept)) {
      const on = adapter === null ? [] : [{ filePath: adapter.file, scale }];
      const found = await scoreRows(model, on, rows, threads, () => {}, signal);
      const values = found.flatMap((row) => row.map(({ logProbability }) => logProbability));
      const packed = new Uint8Array(Float32Array.from(values).buffer);
      ensureFolder(cache);
      OutputFile.write(kept, packed, { inputs: [], force: true });
    }
    return unpack(readFileSync(kept), rows);
  };
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
