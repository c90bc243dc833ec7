import type { Dtype } from "../../core/dtype.ts";
import { UsageError } from "../../core/errors.ts";
import { showJson } from "../json.ts";
import { LENGTH_BYTES, MAX_HEADER_BYTES, type TensorInfo, tensorBytes } from "./header.ts";

/** A tensor to be written: row-major, little-endian. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** The layout of a safetensors file to be written. */
export interface SafetensorsLayout {
  /** The file's first bytes: header length, JSON and padding. */
  readonly header: Uint8Array;
  /** The tensors in file order, each with its byte offsets from the start of the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Length of the whole file in bytes. */
  readonly size: number;
}

/** The order of the Rust library's Dtype enum, which its writer sorts by. */
const DTYPE_RANK: Readonly<Record<Dtype, number>> = {
  BOOL: 0,
  F4: 1,
  F6_E2M3: 2,
  F6_E3M2: 3,
  U8: 4,
  I8: 5,
  F8_E5M2: 6,
  F8_E4M3: 7,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 9,
  F8_E5M2FNUZ: 10,
  I16: 11,
  U16: 12,
  F16: 13,
  BF16: 14,
  I32: 15,
  U32: 16,
  F32: 17,
  C64: 18,
  F64: 19,
  I64: 20,
  U64: 21,
};

const ALIGNMENT_BYTES = 8;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Plan a safetensors file, byte-identical to what Python's safetensors writes: tensors by dtype (widest first, in the
 * library's order), then by name in UTF-8 order. The order of `tensors` does not matter. Metadata keys are sorted; the
 * library leaves their order to a randomly seeded hash map, so only one key or none has a definite order there.
 * @param metadata written as `__metadata__`; undefined writes none.
 * @throws UsageError for names that occur twice or are not valid Unicode, for sizes beyond the format, and for a header beyond its cap.
 */
export function layoutSafetensors(
  tensors: readonly TensorSpec[],
  metadata?: Readonly<Record<string, string>>,
): SafetensorsLayout {
  const sorted = [...tensors].sort((a, b) => DTYPE_RANK[b.dtype] - DTYPE_RANK[a.dtype] || compareUtf8(a.name, b.name));
  const members: string[] = metadata === undefined ? [] : [`"__metadata__":${metadataJson(metadata)}`];
  const placed = new Map<string, TensorInfo>();
  let end = 0;
  for (const { name, dtype, shape } of sorted) {
    const begin = end;
    end += checkedBytes(name, dtype, shape);
    if (name === "__metadata__" || placed.has(name)) {
      throw new UsageError(
        `A safetensors file cannot hold the tensor name ${showJson(name)} ${placed.has(name) ? "twice" : "at all"}; rename it.`,
      );
    }
    placed.set(name, { dtype, shape, begin, end });
    members.push(`${quote(name)}:{"dtype":"${dtype}","shape":[${shape.join(",")}],"data_offsets":[${begin},${end}]}`);
  }
  const header = encodeHeader(`{${members.join(",")}}`);
  const start = header.byteLength;
  for (const [name, info] of placed) placed.set(name, { ...info, begin: start + info.begin, end: start + info.end });
  return { header, tensors: placed, size: start + end };
}

function metadataJson(metadata: Readonly<Record<string, string>>): string {
  const entries = Object.entries(metadata).sort(([a], [b]) => compareUtf8(a, b));
  return `{${entries.map(([key, value]) => `${quote(key)}:${quote(value)}`).join(",")}}`;
}

/** JSON.stringify escapes exactly what serde_json does, except half surrogate pairs, which do not exist in Rust. */
function quote(text: string): string {
  if (LONE_SURROGATE.test(text)) {
    throw new UsageError(`${showJson(text)} holds half of a surrogate pair, which UTF-8 cannot store; rename it.`);
  }
  return JSON.stringify(text);
}

function checkedBytes(name: string, dtype: Dtype, shape: readonly number[]): number {
  const bytes = tensorBytes(dtype, shape);
  if (!Number.isSafeInteger(bytes) || shape.some((size) => !Number.isSafeInteger(size) || size < 0)) {
    throw new UsageError(
      `Tensor ${showJson(name)} of ${dtype} ${showJson(shape)} has no size in whole bytes below 2^53 bits; correct its shape.`,
    );
  }
  return bytes;
}

function encodeHeader(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.byteLength / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  if (length > MAX_HEADER_BYTES) {
    throw new UsageError(
      `The safetensors header would take ${length} bytes, but readers accept at most ${MAX_HEADER_BYTES}; write fewer tensors or less metadata per file.`,
    );
  }
  const header = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, LENGTH_BYTES);
  return header;
}

/** The order of the UTF-8 bytes: that of UTF-16, except that surrogate pairs come after U+FFFF. */
function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return Number(isSurrogate(x)) - Number(isSurrogate(y)) || x - y;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
