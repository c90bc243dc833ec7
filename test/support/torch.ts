import { readdirSync, readFileSync } from "node:fs";
import type { Dtype } from "../../src/core/dtype.ts";

/** A file of a zip archive; what is not given is as torch.save writes it. */
export interface ZipFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  /** What the entry's own header says. */
  readonly localName?: string;
  readonly localMethod?: number;
  /** What the directory says of it. */
  readonly size?: number;
  readonly storedSize?: number;
  readonly headerBegin?: number;
}

/** How an archive ends; what is not given is as it should be, without ZIP64. */
export interface ZipEnd {
  /** Whether the directory is one of ZIP64: wholly, or only in the offsets, as beyond 4 GB. */
  readonly zip64?: boolean | "offsets";
  readonly comment?: string;
  readonly count?: number;
  readonly directoryBytes?: number;
  readonly directoryBegin?: number;
  readonly locator?: number;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Little-endian numbers of 2, 4 and 8 bytes in a row: `[width, value]`. */
function record(...fields: readonly (readonly [2 | 4 | 8, number])[]): Uint8Array {
  const bytes = new Uint8Array(fields.reduce((sum, [width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width, value] of fields) {
    if (width === 2) view.setUint16(at, value, true);
    if (width === 4) view.setUint32(at, value, true);
    if (width === 8) view.setBigUint64(at, BigInt(value), true);
    at += width;
  }
  return bytes;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const FAR = 0xffffffff;

/** A zip archive of stored files, each with a padding in its own header as torch.save has it, valid or not. */
export function rawZip(files: readonly ZipFile[], end: ZipEnd = {}): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const file of files) {
    const { bytes, flags = 0, method = 0 } = file;
    const [name, local] = [utf8(file.name), utf8(file.localName ?? file.name)];
    const padding = Uint8Array.of(0x46, 0x42, 3, 0, 0x5a, 0x5a, 0x5a);
    const header = record(
      [4, 0x04034b50],
      [2, 0],
      [2, flags],
      [2, file.localMethod ?? method],
      [4, 0],
      [4, 0],
      [4, 0],
      [4, 0],
    );
    const [size, stored, begin] = [file.size ?? bytes.length, file.storedSize ?? bytes.length, file.headerBegin ?? at];
    const sizes = end.zip64 === true ? record([8, size], [8, stored]) : new Uint8Array(0);
    const wide = joined([sizes, record([8, begin])]);
    const extra = end.zip64 ? joined([record([2, 1], [2, wide.length]), wide]) : new Uint8Array(0);
    const [size32, stored32] = end.zip64 === true ? [FAR, FAR] : [size, stored];
    directory.push(
      record([4, 0x02014b50], [2, 0], [2, 0], [2, flags], [2, method], [4, 0], [4, 0]),
      record([4, stored32], [4, size32], [2, name.length], [2, extra.length], [2, 0]),
      record([2, 0], [2, 0], [4, 0], [4, end.zip64 ? FAR : begin]),
      name,
      extra,
    );
    const whole = joined([header, record([2, local.length], [2, padding.length]), local, padding, bytes]);
    parts.push(whole);
    at += whole.length;
  }
  const list = joined(directory);
  const count = end.count ?? files.length;
  const bytes = end.directoryBytes ?? list.length;
  const begin = end.directoryBegin ?? at;
  const record64 = [
    record([4, 0x06064b50], [8, 44], [2, 0], [2, 0], [4, 0], [4, 0], [8, count], [8, count], [8, bytes], [8, begin]),
    record([4, 0x07064b50], [4, 0], [8, end.locator ?? at + list.length], [4, 1]),
  ];
  const comment = utf8(end.comment ?? "");
  const [count16, bytes32, begin32] = end.zip64 ? [0xffff, FAR, FAR] : [count, bytes, begin];
  const last = record([4, 0x06054b50], [2, 0], [2, 0], [2, count16], [2, count16], [4, bytes32], [4, begin32]);
  return joined([...parts, list, ...(end.zip64 ? record64 : []), last, record([2, comment.length]), comment]);
}

/** A piece of a pickle that pushes one value. */
export type Piece = readonly number[];

export const NONE: Piece = [0x4e];
export const FALSE: Piece = [0x89];
export const MARK: Piece = [0x28];
export const EMPTY_DICT: Piece = [0x7d];
export const EMPTY_LIST: Piece = [0x5d];
export const EMPTY_TUPLE: Piece = [0x29];
export const REDUCE: Piece = [0x52];

/** A pickle of protocol 2 of these pieces, from its first byte to STOP. */
export function pickled(...pieces: readonly Piece[]): Uint8Array {
  return Uint8Array.from([0x80, 2, ...pieces.flat(), 0x2e]);
}

export function text(value: string): Piece {
  const bytes = utf8(value);
  return [0x58, ...record([4, bytes.length]), ...bytes];
}

export function integer(value: number): Piece {
  if (value === (value | 0)) return [0x4a, ...record([4, value >>> 0])];
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true);
  return [0x8a, 8, ...bytes];
}

export function tuple(...items: readonly Piece[]): Piece {
  return [...MARK, ...items.flat(), 0x74];
}

export function dict(entries: Readonly<Record<string, Piece>>): Piece {
  const items = Object.entries(entries).flatMap(([key, value]) => [...text(key), ...value]);
  return [...EMPTY_DICT, ...MARK, ...items, 0x75];
}

export function global(module: string, name: string): Piece {
  return [0x63, ...utf8(`${module}\n${name}\n`)];
}

export function call(module: string, name: string, ...args: readonly Piece[]): Piece {
  return [...global(module, name), ...tuple(...args), ...REDUCE];
}

export const ORDERED_DICT: Piece = call("collections", "OrderedDict");

/** The persistent id of a storage. */
export function storage(key: string, count: number, type: Piece = global("torch", "FloatStorage")): Piece {
  return [...tuple(text("storage"), type, text(key), text("cpu"), integer(count)), 0x51];
}

/** A tensor as torch.save writes it: one row of two floats, unless told. */
export function tensor(
  with_: {
    storage?: Piece;
    offset?: number;
    size?: readonly number[];
    stride?: readonly number[];
    grad?: Piece;
    hooks?: Piece;
    more?: readonly Piece[];
    rebuild?: string;
  } = {},
): Piece {
  const { offset = 0, size = [1, 2], stride = [2, 1], grad = FALSE, hooks = ORDERED_DICT, more = [] } = with_;
  return call(
    "torch._utils",
    with_.rebuild ?? "_rebuild_tensor_v2",
    with_.storage ?? storage("0", 2),
    integer(offset),
    tuple(...size.map(integer)),
    tuple(...stride.map(integer)),
    grad,
    hooks,
    ...more,
  );
}

/** The files of a checkpoint with this pickle and one storage of `storageBytes` bytes. */
export function checkpointFiles(pickle: Uint8Array, storageBytes = 8, folder = "archive/"): ZipFile[] {
  return [
    { name: `${folder}data.pkl`, bytes: pickle },
    { name: `${folder}data/0`, bytes: Uint8Array.from({ length: storageBytes }, (_, i) => i) },
    { name: `${folder}version`, bytes: utf8("3\n") },
  ];
}

/** A checkpoint of torch.save whose pickle has this root, valid or not. */
export function checkpoint(root: Piece, storageBytes = 8): Uint8Array {
  return rawZip(checkpointFiles(pickled(root), storageBytes));
}

/** A file that torch.save wrote; without `tensors` it is one to be refused. */
export interface TorchGolden {
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
  readonly tensors?: Readonly<Record<string, { dtype: Dtype; shape: number[]; hex: string }>>;
}

/** Every golden file of test/golden/torch. */
export function torchGoldens(): TorchGolden[] {
  const folder = new URL("../golden/torch/", import.meta.url);
  return readdirSync(folder).flatMap((version) => {
    const { files } = JSON.parse(readFileSync(new URL(`${version}/manifest.json`, folder), "utf8"));
    return Object.entries(files as Record<string, object>).map(([name, file]) => ({
      name,
      version,
      bytes: new Uint8Array(readFileSync(new URL(`${version}/${name}.bin`, folder))),
      ...file,
    }));
  });
}
