import type { ByteSource } from "../../core/bytes.ts";
import { FormatError, RefusedError } from "../../core/errors.ts";
import { elementCount, formatShape } from "../../core/shape.ts";
import { showJson } from "../json.ts";
import { foreignFormat } from "../safetensors/foreign.ts";
import { narrowed, RangeReader } from "./range-reader.ts";
import {
  DEFAULT_ALIGNMENT,
  GGML_TYPES,
  type GgmlType,
  type GgufValue,
  MAGIC,
  VALUE_TYPES,
  type ValueType,
} from "./types.ts";

/** Enough for models, whose headers hold whole vocabularies; adapters need a fraction of it. */
const MAX_HEADER_BYTES = 256 << 20;
const MAX_TEXT_BYTES = 64 << 20;
const MAX_NAME_BYTES = 1000;
const MAX_DEPTH = 4;
/** ggml's GGML_MAX_DIMS. */
const MAX_DIMS = 4;
const VERSIONS = [2, 3];

/** A tensor of a GGUF file: `begin` and `end` are byte offsets from the start of the file. */
export interface GgufTensor {
  readonly type: GgmlType;
  /** Row-major: ggml's dimensions reversed. */
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What the header of a GGUF file says. */
export interface GgufHeader {
  readonly version: number;
  /** In the order of the file. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/**
 * Read and check the header of a GGUF file; no tensor data is read.
 *
 * @throws FormatError when the file breaks any rule of docs/formats/gguf.md or is another format, RefusedError for versions and element
 *   types that lora-lego does not read
 */
export async function readGguf(source: ByteSource): Promise<GgufHeader> {
  const { name } = source;
  const reader = new RangeReader(source, MAX_HEADER_BYTES);
  const version = await readVersion(source, reader);
  const tensorCount = await readCount(reader, name, "tensors", 24);
  const valueCount = await readCount(reader, name, "metadata values", 13);
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < valueCount; i++) {
    const key = await readText(reader, name, MAX_NAME_BYTES);
    if (metadata.has(key)) throw damaged(name, `the key ${showJson(key)} occurs twice`);
    metadata.set(key, await readValue(reader, name, await readType(reader, name, key), 0));
  }
  const infos: [string, Omit<GgufTensor, "begin" | "end">, number][] = [];
  for (let i = 0; i < tensorCount; i++) infos.push(await readInfo(reader, name));
  const alignment = alignmentOf(name, metadata);
  const data = Math.ceil(reader.position / alignment) * alignment;
  return { version, metadata, tensors: placeTensors(source, infos, data, alignment) };
}

async function readVersion(source: ByteSource, reader: RangeReader): Promise<number> {
  const { name, size } = source;
  if (size < 24)
    throw new FormatError(`${name} has ${size} bytes, fewer than any GGUF file; copy or download it again.`);
  const view = await reader.take(8);
  const magic = String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset, 4));
  if (magic !== MAGIC) {
    const foreign = await foreignFormat(source);
    throw new FormatError(
      foreign === undefined
        ? `${name} is damaged or not a GGUF file: it does not begin with "GGUF"; copy or download it again.`
        : `${name} is not a GGUF file: it is ${foreign}.`,
    );
  }
  const version = view.getUint32(4, true);
  if (VERSIONS.includes(version)) return version;
  const swapped = VERSIONS.includes(view.getUint32(4, false));
  throw new RefusedError(
    swapped
      ? `${name} is big-endian, which lora-lego does not read; convert it on a little-endian machine.`
      : `${name} is GGUF version ${version}, but only ${VERSIONS.join(" and ")} are read; convert it again with a current llama.cpp.`,
  );
}

/** A count of items that each take at least `least` of the bytes left. */
async function readCount(reader: RangeReader, name: string, what: string, least: number): Promise<number> {
  const count = await reader.uint64();
  if (typeof count === "bigint" || count * least > reader.left) {
    throw damaged(name, `it announces ${count} ${what}, more than its bytes can hold`);
  }
  return count;
}

async function readText(reader: RangeReader, name: string, most: number): Promise<string> {
  const length = await reader.uint64();
  if (typeof length === "bigint" || length > most || length > reader.left) {
    throw damaged(name, `the text at ${reader.position} has ${length} bytes, more than fit`);
  }
  const view = await reader.take(length);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(view);
  } catch {
    throw damaged(name, `the text at ${reader.position - length} is not UTF-8`);
  }
}

async function readType(reader: RangeReader, name: string, what: string): Promise<ValueType> {
  const number = await reader.uint32();
  const type = VALUE_TYPES[number];
  if (type === undefined) throw damaged(name, `${showJson(what)} has the unknown value type ${number}`);
  return type;
}

const BYTES: Readonly<Record<Exclude<ValueType, "string" | "array">, number>> = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  bool: 1,
  uint64: 8,
  int64: 8,
  float64: 8,
};

async function readValue(reader: RangeReader, name: string, type: ValueType, depth: number): Promise<GgufValue> {
  if (type === "string") return readText(reader, name, MAX_TEXT_BYTES);
  if (type === "array") return readArray(reader, name, depth + 1);
  return decodeScalar(await reader.take(BYTES[type]), 0, type, name);
}

async function readArray(reader: RangeReader, name: string, depth: number): Promise<GgufValue[]> {
  if (depth > MAX_DEPTH) throw damaged(name, `arrays are nested more than ${MAX_DEPTH} deep`);
  const type = await readType(reader, name, "an array");
  const fixed = type === "string" || type === "array" ? null : type;
  const count = await readCount(reader, name, "array entries", fixed === null ? 8 : BYTES[fixed]);
  const values: GgufValue[] = [];
  if (fixed === null) {
    for (let i = 0; i < count; i++) values.push(await readValue(reader, name, type, depth));
    return values;
  }
  const view = await reader.take(count * BYTES[fixed]);
  for (let i = 0; i < count; i++) values.push(decodeScalar(view, i * BYTES[fixed], fixed, name));
  return values;
}

function decodeScalar(view: DataView, at: number, type: keyof typeof BYTES, name: string): GgufValue {
  switch (type) {
    case "uint8":
      return view.getUint8(at);
    case "int8":
      return view.getInt8(at);
    case "uint16":
      return view.getUint16(at, true);
    case "int16":
      return view.getInt16(at, true);
    case "uint32":
      return view.getUint32(at, true);
    case "int32":
      return view.getInt32(at, true);
    case "float32":
      return view.getFloat32(at, true);
    case "float64":
      return view.getFloat64(at, true);
    case "uint64":
      return narrowed(view.getBigUint64(at, true));
    case "int64":
      return narrowed(view.getBigInt64(at, true));
    case "bool": {
      const byte = view.getUint8(at);
      if (byte > 1) throw damaged(name, `a boolean is ${byte}, but must be 0 or 1`);
      return byte === 1;
    }
  }
}

async function readInfo(
  reader: RangeReader,
  name: string,
): Promise<[string, Omit<GgufTensor, "begin" | "end">, number]> {
  const tensor = await readText(reader, name, MAX_NAME_BYTES);
  const dims = await reader.uint32();
  if (dims > MAX_DIMS) throw damaged(name, `tensor ${showJson(tensor)} has ${dims} dimensions, more than ${MAX_DIMS}`);
  const shape: number[] = [];
  for (let d = 0; d < dims; d++) {
    const size = await reader.uint64();
    if (typeof size === "bigint") throw damaged(name, `tensor ${showJson(tensor)} has a dimension of ${size}`);
    shape.unshift(size);
  }
  const number = await reader.uint32();
  const type = GGML_TYPES.get(number);
  if (type === undefined) {
    throw new RefusedError(
      `${name}: tensor ${showJson(tensor)} has the element type ${number}, which lora-lego does not know; convert it again as f16.`,
    );
  }
  const offset = await reader.uint64();
  if (typeof offset === "bigint") throw damaged(name, `tensor ${showJson(tensor)} begins at ${offset}`);
  return [tensor, { type, shape }, offset];
}

function alignmentOf(name: string, metadata: ReadonlyMap<string, GgufValue>): number {
  const alignment = metadata.get("general.alignment") ?? DEFAULT_ALIGNMENT;
  if (typeof alignment === "number" && alignment > 0 && alignment % 8 === 0 && alignment <= 1 << 20) return alignment;
  throw damaged(name, `general.alignment is ${String(alignment)}, but must be a multiple of 8`);
}

function placeTensors(
  source: ByteSource,
  infos: readonly (readonly [string, Omit<GgufTensor, "begin" | "end">, number])[],
  data: number,
  alignment: number,
): Map<string, GgufTensor> {
  const { name, size } = source;
  const tensors = new Map<string, GgufTensor>();
  for (const [tensor, { type, shape }, offset] of infos) {
    if (tensors.has(tensor)) throw damaged(name, `the tensor ${showJson(tensor)} occurs twice`);
    if (offset % alignment !== 0) {
      throw damaged(name, `tensor ${showJson(tensor)} begins at ${offset}, which is not a multiple of ${alignment}`);
    }
    const last = shape.at(-1) ?? 1;
    if (last % type.block !== 0) {
      throw damaged(
        name,
        `tensor ${showJson(tensor)} is ${type.name} ${formatShape(shape)}, whose rows are not whole blocks of ${type.block}`,
      );
    }
    const begin = data + offset;
    const end = begin + (elementCount(shape) / type.block) * type.bytes;
    if (!(end <= size)) {
      throw damaged(
        name,
        `tensor ${showJson(tensor)} of ${type.name} ${formatShape(shape)} ends at ${end}, beyond the file's ${size} bytes`,
      );
    }
    tensors.set(tensor, { type, shape, begin, end });
  }
  const sorted = [...tensors].filter(([, { begin, end }]) => end > begin).sort(([, a], [, b]) => a.begin - b.begin);
  for (const [i, [tensor, { begin }]] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before === undefined || before[1].end <= begin) continue;
    throw damaged(name, `the tensors ${showJson(before[0])} and ${showJson(tensor)} overlap`);
  }
  return tensors;
}

function damaged(name: string, what: string): FormatError {
  return new FormatError(`${name} is a damaged GGUF file: ${what}; copy or download it again.`);
}
