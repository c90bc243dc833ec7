import type { ByteSource } from "../../core/bytes.ts";
import { DTYPE_BITS, type Dtype, isDtype } from "../../core/dtype.ts";
import { FormatError } from "../../core/errors.ts";
import { elementCount } from "../../core/shape.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson, showJson } from "../json.ts";
import { foreignFormat } from "./foreign.ts";

/** The Rust library's MAX_HEADER_SIZE: every reader refuses larger headers. */
export const MAX_HEADER_BYTES = 100_000_000;

/** Bytes of the little-endian header length in front of the header. */
export const LENGTH_BYTES = 8;

/** Where one tensor is stored: `begin` and `end` are byte offsets from the start of the file, row-major, little-endian. */
export interface TensorInfo {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What the header of a safetensors file says. */
export interface SafetensorsHeader {
  /** The file's `__metadata__`; empty when there is none. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The tensors in the order of their data, which need not be the order of the header. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Bytes before the first tensor: the length field, the JSON and its padding. */
  readonly headerBytes: number;
}

/** A tensor as the header gives it, offsets counted from the end of the header. */
type Entry = readonly [name: string, info: TensorInfo];

/**
 * Read and check the header of a safetensors file; no tensor data is read.
 * Reads 8 bytes and then the header, whose length is checked against the file's before anything is allocated.
 * @throws FormatError when the file breaks any rule of docs/formats/safetensors.md, or is another format.
 */
export async function readHeader(source: ByteSource): Promise<SafetensorsHeader> {
  const { name, size } = source;
  if (size < LENGTH_BYTES) {
    throw new FormatError(
      `${name} has ${size} bytes, but a safetensors file starts with ${LENGTH_BYTES} bytes of header length; copy or download it again.`,
    );
  }
  const lengthField = new Uint8Array(LENGTH_BYTES);
  await source.read(0, lengthField);
  const length = new DataView(lengthField.buffer).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES || length > size - LENGTH_BYTES) {
    const foreign = await foreignFormat(source);
    if (foreign !== undefined) throw new FormatError(`${name} is not a safetensors file: it is ${foreign}.`);
    throw new FormatError(
      length > MAX_HEADER_BYTES
        ? `${name} is damaged or not a safetensors file: its first 8 bytes announce a header of ${length} bytes, but at most ${MAX_HEADER_BYTES} are allowed; copy or download it again.`
        : `${name} is truncated or not a safetensors file: its first 8 bytes announce a header of ${length} bytes, but only ${size - LENGTH_BYTES} bytes follow; copy or download it again.`,
    );
  }
  const json = new Uint8Array(Number(length));
  await source.read(LENGTH_BYTES, json);
  return parseHeader(json, LENGTH_BYTES + json.byteLength, size, name);
}

/**
 * Parse and check the JSON header of a safetensors file.
 * @param json the header's bytes, padding included.
 * @param dataStart byte offset in the file at which the tensor data begins.
 * @param fileSize length of the whole file in bytes, which the tensors must fill exactly.
 * @param fileName what messages call the file.
 * @throws FormatError when the header breaks any rule of docs/formats/safetensors.md.
 */
export function parseHeader(
  json: Uint8Array,
  dataStart: number,
  fileSize: number,
  fileName: string,
): SafetensorsHeader {
  const root = parseRoot(json, fileName);
  const metadata = parseMetadata(root.__metadata__, fileName);
  const entries: Entry[] = [];
  // Object.entries takes five times as long on the millions of keys that a hostile header can hold.
  for (const name of Object.keys(root)) {
    if (name !== "__metadata__") entries.push([name, parseTensor(root[name]!, name, fileName)]);
  }
  entries.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  checkCoverage(entries, fileSize - dataStart, fileName);
  const tensors = new Map<string, TensorInfo>();
  for (const [name, { dtype, shape, begin, end }] of entries) {
    tensors.set(name, { dtype, shape, begin: dataStart + begin, end: dataStart + end });
  }
  return { metadata, tensors, headerBytes: dataStart };
}

/**
 * Bytes of a tensor of this dtype and shape. Infinity when it has more than 2^53 bits; a fraction when its elements of 4
 * or 6 bits do not fill whole bytes (the format refuses both).
 */
export function tensorBytes(dtype: Dtype, shape: readonly number[]): number {
  const bits = elementCount(shape) * DTYPE_BITS[dtype];
  return bits > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : bits / 8;
}

function parseRoot(json: Uint8Array, fileName: string): JsonObject {
  if (json[0] !== 0x7b) {
    const found = json.length === 0 ? "is empty" : `starts with the byte 0x${json[0]!.toString(16).padStart(2, "0")}`;
    throw new FormatError(
      `${fileName} is damaged or not a safetensors file: its header ${found}, but must start with "{"; copy or download it again.`,
    );
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(json);
  } catch {
    throw new FormatError(`${fileName} is damaged: its header is not valid UTF-8; copy or download it again.`);
  }
  // What starts with "{" and parses is an object.
  return parseStrictJson(text, `${fileName}: header`) as JsonObject;
}

function parseMetadata(value: JsonValue | undefined, fileName: string): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  // The Rust library reads null as "none".
  if (value === undefined || value === null) return metadata;
  if (!isJsonObject(value)) {
    throw new FormatError(
      `${fileName}: __metadata__ must be an object of strings, but is ${showJson(value)}; save the file again with string metadata.`,
    );
  }
  for (const key of Object.keys(value)) {
    const item = value[key];
    if (typeof item !== "string") {
      throw new FormatError(
        `${fileName}: __metadata__ ${showJson(key)} must be a string, but is ${showJson(item)}; save the file again with string metadata.`,
      );
    }
    metadata.set(key, item);
  }
  return metadata;
}

/** Keys other than these three are ignored, as the Rust library does. */
function parseTensor(value: JsonValue, name: string, fileName: string): TensorInfo {
  const fail = (field: string, expected: string, got: JsonValue | undefined): never => {
    throw new FormatError(
      `${fileName}: tensor ${showJson(name)} must have ${field} ${expected}, but has ${showJson(got)}; save or download the file again.`,
    );
  };
  if (!isJsonObject(value)) return fail("an object with", "dtype, shape and data_offsets", value);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !isDtype(dtype)) {
    return fail("a dtype", "of safetensors, such as F32, F16 or BF16", dtype);
  }
  if (!isCounts(shape)) return fail("a shape", "of integers from 0 to 2^53 - 1", shape);
  if (!isCounts(offsets) || offsets.length !== 2) {
    return fail("data_offsets", "[begin, end] of integers from 0 to 2^53 - 1", offsets);
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end) return fail("data_offsets", "whose begin is not after their end", offsets);
  return { dtype, shape, begin, end };
}

function isCounts(value: JsonValue | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0 && !Object.is(item, -0));
}

/** The sorted entries must follow each other without gap or overlap, each as long as its shape says, up to the file's end. */
function checkCoverage(entries: readonly Entry[], dataBytes: number, fileName: string): void {
  let covered = 0;
  let before: string | undefined;
  for (const [name, { dtype, shape, begin, end }] of entries) {
    if (begin !== covered) {
      const problem = begin < covered ? "overlaps" : "leaves a hole after";
      const neighbour = before === undefined ? "the header" : `tensor ${showJson(before)}`;
      throw new FormatError(
        `${fileName}: tensor ${showJson(name)} ${problem} ${neighbour}: its data_offsets begin at ${begin}, but must begin at ${covered}; save or download the file again.`,
      );
    }
    const bytes = tensorBytes(dtype, shape);
    if (bytes !== end - begin) {
      const needed = Number.isFinite(bytes) ? `${bytes} bytes` : "more than 2^53 bits";
      const whole = Number.isInteger(bytes) || !Number.isFinite(bytes) ? "" : ", which are not whole bytes";
      throw new FormatError(
        `${fileName}: tensor ${showJson(name)} of ${dtype} ${showJson(shape)} takes ${needed}${whole}, but its data_offsets [${begin}, ${end}] hold ${end - begin}; save or download the file again.`,
      );
    }
    covered = end;
    before = name;
  }
  if (covered > dataBytes) {
    throw new FormatError(
      `${fileName} is truncated: its header describes ${covered} bytes of tensors, but ${dataBytes} follow it, ${covered - dataBytes} bytes are missing; download or copy it again.`,
    );
  }
  if (covered < dataBytes) {
    throw new FormatError(
      `${fileName} has ${dataBytes - covered} bytes after the last tensor (${covered} bytes of tensors, ${dataBytes} bytes of data), which safetensors does not allow; save or download it again.`,
    );
  }
}
