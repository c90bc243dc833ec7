import { UsageError } from "../../core/errors.ts";
import { elementCount } from "../../core/shape.ts";
import { showJson } from "../json.ts";
import { DEFAULT_ALIGNMENT, GGML_TYPES, MAGIC } from "./types.ts";

const VERSION = 3;
/** GGUF's numbers for the value types that are written. */
const UINT32 = 4;
const INT32 = 5;
const FLOAT32 = 6;
const BOOL = 7;
const STRING = 8;
const ARRAY = 9;

/** A metadata value to be written: a string, a number as float32, or a value with its type. */
export type GgufField =
  | string
  | number
  | { readonly uint32: number }
  | { readonly bool: boolean }
  | { readonly texts: readonly string[] }
  | { readonly int32s: readonly number[] }
  | { readonly uint32s: readonly number[] };

/** The element types that are written, with ggml's numbers. */
const NUMBERS = { F32: 0, F16: 1, BF16: 30 } as const;

/** A tensor to be written: row-major, little-endian. */
export interface GgufTensorSpec {
  readonly name: string;
  readonly dtype: keyof typeof NUMBERS;
  readonly shape: readonly number[];
}

/** The layout of a GGUF file to be written. */
export interface GgufLayout {
  /** The file's first bytes: everything before the tensors. */
  readonly header: Uint8Array;
  readonly tensors: ReadonlyMap<string, { readonly begin: number; readonly end: number }>;
  /** Length of the whole file in bytes; bytes that no tensor covers are zero. */
  readonly size: number;
}

/**
 * Plan a GGUF version 3 file, aligned to 32 bytes and byte-identical to what the Python package gguf writes, with metadata and tensors
 * in the given order.
 *
 * @throws UsageError for names that occur twice
 */
export function layoutGguf(
  metadata: readonly (readonly [key: string, value: GgufField])[],
  tensors: readonly GgufTensorSpec[],
): GgufLayout {
  const bytes = new Bytes();
  bytes.raw(new TextEncoder().encode(MAGIC));
  bytes.uint32(VERSION);
  bytes.uint64(tensors.length);
  bytes.uint64(metadata.length);
  for (const [key, value] of metadata) {
    bytes.text(key);
    bytes.field(value);
  }
  const offsets = new Map<string, { begin: number; end: number }>();
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    if (offsets.has(name))
      throw new UsageError(`A GGUF file cannot hold the tensor name ${showJson(name)} twice; rename it.`);
    const begin = aligned(end);
    end = begin + elementCount(shape) * GGML_TYPES.get(NUMBERS[dtype])!.bytes;
    offsets.set(name, { begin, end });
    bytes.text(name);
    bytes.uint32(shape.length);
    for (const size of shape.toReversed()) bytes.uint64(size);
    bytes.uint32(NUMBERS[dtype]);
    bytes.uint64(begin);
  }
  const header = bytes.aligned();
  for (const [name, range] of offsets) {
    offsets.set(name, { begin: header.length + range.begin, end: header.length + range.end });
  }
  return { header, tensors: offsets, size: header.length + aligned(end) };
}

function aligned(offset: number): number {
  return Math.ceil(offset / DEFAULT_ALIGNMENT) * DEFAULT_ALIGNMENT;
}

/** Collects little-endian fields. */
class Bytes {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  raw(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  uint32(value: number): void {
    this.raw(new Uint8Array(Uint32Array.of(value).buffer));
  }

  uint64(value: number): void {
    this.raw(new Uint8Array(BigUint64Array.of(BigInt(value)).buffer));
  }

  float32(value: number): void {
    this.raw(new Uint8Array(Float32Array.of(value).buffer));
  }

  int32(value: number): void {
    this.raw(new Uint8Array(Int32Array.of(value).buffer));
  }

  /** A metadata value after its type. */
  field(value: GgufField): void {
    if (typeof value === "string") {
      this.uint32(STRING);
      this.text(value);
    } else if (typeof value === "number") {
      this.uint32(FLOAT32);
      this.float32(value);
    } else if ("uint32" in value) {
      this.uint32(UINT32);
      this.uint32(value.uint32);
    } else if ("bool" in value) {
      this.uint32(BOOL);
      this.raw(Uint8Array.of(value.bool ? 1 : 0));
    } else if ("texts" in value) {
      this.#list(STRING, value.texts, (text) => this.text(text));
    } else if ("int32s" in value) {
      this.#list(INT32, value.int32s, (number) => this.int32(number));
    } else {
      this.#list(UINT32, value.uint32s, (number) => this.uint32(number));
    }
  }

  #list<T>(type: number, values: readonly T[], write: (value: T) => void): void {
    this.uint32(ARRAY);
    this.uint32(type);
    this.uint64(values.length);
    for (const value of values) write(value);
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.uint64(bytes.length);
    this.raw(bytes);
  }

  /** All bytes, padded with zeros to the alignment. */
  aligned(): Uint8Array {
    const out = new Uint8Array(aligned(this.#length));
    let at = 0;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
}
