import { expect } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import type { FormatError, RefusedError } from "../../src/core/errors.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { type MemoryFiles, memoryFolder, rejection } from "./memory-folder.ts";
import { decodeAdapter, encodeTensor, type Nested } from "./pico.ts";

/** A (2, 3) and B (2, 2): at scale 3, delta = 3 B A. */
export const A: number[][] = [
  [1, 2, 3],
  [4, 5, 6],
];
export const B: number[][] = [
  [1, -1],
  [0.5, 2],
];
export const BA: number[] = [-3, -3, -3, 8.5, 11, 13.5];

export const across = (rows: readonly (readonly number[])[]): number[][] =>
  rows[0]!.map((_, j) => rows.map((row) => row[j]!));

type Tensors = Readonly<Record<string, Nested>>;

function files(tensors: Tensors, metadata?: Record<string, string>, config?: object): MemoryFiles {
  const weights = encodeSafetensors(
    Object.entries(tensors).map(([name, values]) => encodeTensor(name, values)),
    metadata,
  );
  const configs = config === undefined ? {} : { "adapter_config.json": JSON.stringify(config) };
  return { "weights.safetensors": weights, ...configs };
}

export const openDialect = (...args: Parameters<typeof files>): Promise<Adapter> =>
  openAdapter(memoryFolder("mine", files(...args)));

export async function refuses(
  kind: typeof FormatError | typeof RefusedError,
  tensors: Tensors,
  ...parts: string[]
): Promise<void> {
  const error = await rejection(openDialect(tensors));
  expect(error).toBeInstanceOf(kind);
  for (const part of ["mine", ...parts]) expect(error.message).toContain(part);
}

/** The deltas that an adapter merges to when it is alone. */
export async function deltasOf(adapter: Adapter): Promise<Record<string, number[]>> {
  const { config, weights } = await mergeInMemory([adapter], { method: "cat", dtype: "f32" });
  const { modules } = decodeAdapter(JSON.stringify(config), weights);
  return Object.fromEntries(
    Array.from(modules, ([name, { delta }]) => [name, [...delta].map((value) => Number(value.toFixed(5)))]),
  );
}

export const times = (factor: number): number[] => BA.map((value) => factor * value);
