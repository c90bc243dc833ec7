import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { memorySource } from "../../src/core/bytes.ts";
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from "../../src/core/float-formats.ts";
import { seededRandom } from "../../src/core/random.ts";
import { encodeSafetensors, type TensorData } from "../../src/formats/safetensors/write.ts";

/** A tensor in code: nested lists, row-major. */
export type Nested = number | readonly Nested[];
type Float = "F32" | "F16" | "BF16";
type Kind = "linear" | "embedding" | "conv";

/** One module: A (r, in), B (out, r); a conv may have kernel sizes behind them, and else gets 1 x 1. */
export interface PicoModule {
  readonly A: Nested;
  readonly B: Nested;
  readonly kind?: Kind;
}

/** A PEFT adapter small enough to be written down. */
export interface PicoAdapter {
  /** By dotted path, without PEFT's prefix. */
  readonly modules: Readonly<Record<string, PicoModule>>;
  /** Fields over the defaults (r of the first module, scale 1); undefined leaves a field out. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly dtype?: Float;
  /** More tensors, by their full keys. */
  readonly extras?: Readonly<Record<string, Nested>>;
}

const PREFIX = "base_model.model.";
const WEIGHTS = "adapter_model.safetensors";
const CONFIG = "adapter_config.json";

/** Write an adapter's two files into a folder, made if need be. @returns the folder */
export function writeAdapter(folder: string, adapter: PicoAdapter): string {
  mkdirSync(folder, { recursive: true });
  const { config, weights } = encodeAdapter(adapter);
  writeFileSync(join(folder, CONFIG), config);
  writeFileSync(join(folder, WEIGHTS), weights);
  return folder;
}

/** Open an adapter from memory, as if it lay in a folder of this name. */
export function openPico(name: string, adapter: PicoAdapter): Promise<Adapter> {
  const { config, weights } = encodeAdapter(adapter);
  const files: Record<string, Uint8Array> = { [CONFIG]: new TextEncoder().encode(config), [WEIGHTS]: weights };
  const open = async (file: string) => memorySource(`${name}/${file}`, files[file]!);
  return openAdapter({ name, files: Object.keys(files), folders: [], open });
}

/** The text of adapter_config.json and the bytes of adapter_model.safetensors. */
function encodeAdapter(adapter: PicoAdapter): { config: string; weights: Uint8Array } {
  const { modules, config, dtype = "F32", extras = {} } = adapter;
  const tensors: TensorData[] = Object.entries(extras).map(([key, values]) => encodeTensor(key, values, dtype));
  for (const [name, { A, B, kind = "linear" }] of Object.entries(modules)) {
    const [a, b] = kind === "conv" ? [withKernel(A), withKernel(B)] : [A, B];
    const [keyA, keyB] =
      kind === "embedding" ? ["lora_embedding_A", "lora_embedding_B"] : ["lora_A.weight", "lora_B.weight"];
    tensors.push(
      encodeTensor(`${PREFIX}${name}.${keyA}`, a, dtype),
      encodeTensor(`${PREFIX}${name}.${keyB}`, b, dtype),
    );
  }
  const rank = Object.values(modules).map(({ A }) => shapeOf(A)[0])[0] ?? 1;
  const fields = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: "pico",
    r: rank,
    lora_alpha: rank,
    target_modules: [...new Set(Object.keys(modules).map((name) => name.split(".").at(-1)))],
    ...config,
  };
  return { config: JSON.stringify(fields), weights: encodeSafetensors(tensors, { format: "pt" }) };
}

/** One tensor as safetensors holds it. */
export function encodeTensor(name: string, values: Nested, dtype: Float = "F32"): TensorData {
  const flat = flatten(values);
  const size = dtype === "F32" ? 4 : 2;
  const data = new Uint8Array(flat.length * size);
  const view = new DataView(data.buffer);
  for (const [i, value] of flat.entries()) {
    if (dtype === "F32") view.setFloat32(4 * i, value, true);
    else view.setUint16(2 * i, dtype === "F16" ? f32ToF16(value) : f32ToBf16(value), true);
  }
  return { name, dtype, shape: shapeOf(values), data };
}

function flatten(values: Nested): number[] {
  return typeof values === "number" ? [values] : values.flatMap(flatten);
}

function shapeOf(values: Nested): number[] {
  return typeof values === "number" ? [] : [values.length, ...(values.length === 0 ? [] : shapeOf(values[0]!))];
}

function withKernel(rows: Nested): Nested {
  if (shapeOf(rows).length !== 2) return rows;
  return (rows as readonly (readonly number[])[]).map((row) => row.map((value) => [[value]]));
}

/** Sizes of a random module. */
export interface RandomModule {
  readonly in: number;
  readonly out: number;
  readonly rank?: number;
  readonly kind?: Kind;
}

/** What a random adapter looks like. */
export interface RandomShape extends Omit<PicoAdapter, "modules"> {
  /** Module names with their sizes; default two modules of 6 -> 5 and 4 -> 7. */
  readonly modules?: Readonly<Record<string, RandomModule>>;
  /** Rank of modules that name none. Default 2. */
  readonly rank?: number;
}

const PICO_MODULES: Readonly<Record<string, RandomModule>> = {
  "layers.0.q_proj": { in: 6, out: 5 },
  "layers.1.q_proj": { in: 4, out: 7 },
};

/** An adapter of uniform random numbers in [-1, 1); the same seed gives the same one. */
export function randomAdapter(seed: number, shape: RandomShape = {}): PicoAdapter {
  const { modules = PICO_MODULES, rank = 2, ...rest } = shape;
  const random = seededRandom(seed);
  const matrix = (rows: number, columns: number): number[][] =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => 2 * random.uniform() - 1));
  const made: Record<string, PicoModule> = {};
  for (const [name, { in: inputs, out, rank: own = rank, kind = "linear" }] of Object.entries(modules)) {
    made[name] = { A: matrix(own, inputs), B: matrix(out, own), kind };
  }
  return { ...rest, modules: made };
}

/**
 * A module read back: A (rank, in) and B (out, rank) as stored, and delta = scale * B A (out, in) in f64, computed
 * when it is asked for; all row-major.
 */
export interface MergedModule {
  readonly in: number;
  readonly out: number;
  readonly rank: number;
  readonly scale: number;
  readonly A: Float64Array;
  readonly B: Float64Array;
  readonly delta: Float64Array;
}

/** An adapter read back. */
export interface Merged {
  readonly config: Readonly<Record<string, unknown>>;
  /** By dotted path, without PEFT's prefix. */
  readonly modules: ReadonlyMap<string, MergedModule>;
  /** Every other tensor, by its full key. */
  readonly extras: ReadonlyMap<string, { shape: number[]; values: Float64Array }>;
}

/** Read the adapter in a folder, whoever wrote it, by code that shares nothing with the library but the float formats. */
export function readMerged(folder: string): Merged {
  return decodeAdapter(readFileSync(join(folder, CONFIG), "utf8"), readFileSync(join(folder, WEIGHTS)));
}

/** Decode an adapter's two files; ranks and alphas of patterns go by full names, as lora-lego writes them. */
export function decodeAdapter(configText: string, weights: Uint8Array): Merged {
  const config = JSON.parse(configText);
  const extras = decodeTensors(weights);
  const modules = new Map<string, MergedModule>();
  for (const [key, a] of extras) {
    const match = /^base_model\.model\.(.+)\.lora_(embedding_A|A\.weight)$/.exec(key);
    if (match === null) continue;
    const keyB = key.replace(/A(\.weight)?$/, "B$1");
    const b = extras.get(keyB)!;
    const name = match[1]!;
    const [rank, out] = [a.shape[0]!, b.shape[0]!];
    const r = config.rank_pattern?.[name] ?? config.r;
    if (r !== rank) throw new Error(`${name} has rank ${rank}, but its config says ${r}`);
    const alpha = config.alpha_pattern?.[name] ?? config.lora_alpha;
    const scale = config.use_rslora ? alpha / Math.sqrt(r) : alpha / r;
    const inputs = a.values.length / rank;
    modules.set(name, {
      ...{ in: inputs, out, rank, scale, A: a.values, B: b.values },
      get delta() {
        return product(b.values, a.values, out, rank, inputs).map((value) => scale * value);
      },
    });
    extras.delete(key);
    extras.delete(keyB);
  }
  return { config, modules, extras };
}

/** Every tensor of a safetensors file in f64, by code that shares nothing with the library but the float formats. */
export function decodeTensors(file: Uint8Array): Map<string, { shape: number[]; values: Float64Array }> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header: Record<string, { dtype: Float; shape: number[]; data_offsets: [number, number] }> = JSON.parse(
    new TextDecoder().decode(file.subarray(8, start)),
  );
  const tensors = new Map<string, { shape: number[]; values: Float64Array }>();
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [size, decode] = {
      F32: [4, (at: number) => view.getFloat32(at, true)] as const,
      F16: [2, (at: number) => f16ToF32(view.getUint16(at, true))] as const,
      BF16: [2, (at: number) => bf16ToF32(view.getUint16(at, true))] as const,
    }[dtype];
    const count = (offsets[1] - offsets[0]) / size;
    tensors.set(name, {
      shape,
      values: Float64Array.from({ length: count }, (_, i) => decode(start + offsets[0] + i * size)),
    });
  }
  return tensors;
}

/** B (m, k) times A (k, n), row-major. */
export function product(b: Float64Array, a: Float64Array, m: number, k: number, n: number): Float64Array {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let x = 0; x < k; x++) for (let j = 0; j < n; j++) out[i * n + j]! += b[i * k + x]! * a[x * n + j]!;
  return out;
}

/** |one - other| / |other|, over all entries. */
export function relativeError(one: Float64Array, other: Float64Array): number {
  let apart = 0;
  let norm = 0;
  for (const [i, value] of other.entries()) {
    apart += (one[i]! - value) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(apart / norm);
}

const folders: string[] = [];
// Registered when a test file imports this one, so it runs after that file's tests.
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A fresh folder by its real path, removed after the tests of the file. */
export function tempFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "lora-lego-")));
  folders.push(folder);
  return folder;
}
