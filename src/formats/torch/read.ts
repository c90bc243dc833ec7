import type { ByteSource } from "../../core/bytes.ts";
import { bytesOf } from "../../core/dtype.ts";
import { FormatError, RefusedError } from "../../core/errors.ts";
import { showJson } from "../json.ts";
import type { TensorInfo } from "../safetensors/header.ts";
import { refuseForeign } from "./foreign.ts";
import { unpickle } from "./pickle.ts";
import { type ByteRange, placeTensor, stateDict } from "./tensors.ts";
import { SAVE_INSTEAD, type TensorRecord } from "./values.ts";
import { readZipDirectory, type ZipDirectory } from "./zip-directory.ts";
import { locateEntry, type ZipEntry } from "./zip-entry.ts";

/** Some 500 bytes for each of the largest number of tensors. */
export const MAX_PICKLE_BYTES: number = 32 << 20;

const PICKLE = /(?:^|\/)data\.pkl$/;
const MAX_BYTE_ORDER_BYTES = 16;

/**
 * Read which tensors a PyTorch checkpoint (*.bin, *.pt, *.pth) holds and where; no tensor data is read.
 * Reads the zip directory, the pickle (by an allow-list) and the header of each storage. Nothing in the file is executed.
 * @returns the tensors in the order of their data, row-major and little-endian; several may share bytes.
 * @throws FormatError when the file is damaged or another format, RefusedError when it holds anything but tensors, or
 *   tensors that are not plain ranges of bytes (docs/formats/torch.md).
 */
export async function readTorch(source: ByteSource): Promise<ReadonlyMap<string, TensorInfo>> {
  await refuseForeign(source);
  const directory = await readZipDirectory(source);
  const pickle = findPickle(directory, source);
  const folder = pickle.name.slice(0, -"data.pkl".length);
  await checkByteOrder(source, directory, folder);
  const tensors = stateDict(
    unpickle(await readEntry(source, directory, pickle, MAX_PICKLE_BYTES), source.name),
    source.name,
  );
  const storages = await locateStorages(source, directory, folder, tensors);
  const placed = Array.from(
    tensors,
    ([name, tensor]) => [name, placeTensor(name, tensor, storages.get(tensor.storage.key)!, source.name)] as const,
  );
  return new Map(placed.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end));
}

function findPickle({ entries }: ZipDirectory, source: ByteSource): ZipEntry {
  const found = [...entries.values()].filter(({ name }) => PICKLE.test(name));
  if (found.length !== 1) {
    const what = found.length === 0 ? "has no data.pkl" : `has ${found.length} files data.pkl`;
    throw new FormatError(
      `${source.name} is a zip archive, but not one of torch.save: it ${what}; if it holds an adapter, unpack it.`,
    );
  }
  const pickle = found[0]!;
  if (entries.has(pickle.name.replace("data.pkl", "constants.pkl"))) {
    throw new RefusedError(`${source.name} is a TorchScript program, not a dict of tensors; ${SAVE_INSTEAD}.`);
  }
  return pickle;
}

/** Older archives do not say; every machine that people trained on is little-endian. */
async function checkByteOrder(source: ByteSource, directory: ZipDirectory, folder: string): Promise<void> {
  const entry = directory.entries.get(`${folder}byteorder`);
  if (entry === undefined) return;
  const order = String.fromCharCode(...(await readEntry(source, directory, entry, MAX_BYTE_ORDER_BYTES)));
  if (order === "little") return;
  throw new RefusedError(
    `${source.name} was saved with the byte order ${showJson(order)}, but only "little" is read; load it in PyTorch on a little-endian machine and save it again.`,
  );
}

async function readEntry(
  source: ByteSource,
  directory: ZipDirectory,
  entry: ZipEntry,
  maxBytes: number,
): Promise<Uint8Array> {
  if (entry.size > maxBytes) {
    throw new FormatError(
      `${source.name}: ${showJson(entry.name)} has ${entry.size} bytes, more than the ${maxBytes} that it may have at most; ${SAVE_INSTEAD}.`,
    );
  }
  const { begin } = await locateEntry(source, entry, directory.begin);
  const bytes = new Uint8Array(entry.size);
  await source.read(begin, bytes);
  return bytes;
}

/** The range of each tensor's storage, by its key: as long as the pickle says, and without overlaps. */
async function locateStorages(
  source: ByteSource,
  directory: ZipDirectory,
  folder: string,
  tensors: ReadonlyMap<string, TensorRecord>,
): Promise<ReadonlyMap<string, ByteRange>> {
  const storages = new Map<string, ByteRange>();
  for (const [name, { storage }] of tensors) {
    const { key, dtype, count } = storage;
    const entry = directory.entries.get(`${folder}data/${key}`);
    const bytes = count * (dtype === null ? 1 : bytesOf(dtype));
    if (entry === undefined || entry.size !== bytes) {
      const found = entry === undefined ? "the archive has no such file" : `that file has ${entry.size}`;
      throw new FormatError(
        `${source.name}: tensor ${showJson(name)} is stored in ${showJson(`data/${key}`)} of ${bytes} bytes, but ${found}; copy or download it again.`,
      );
    }
    if (!storages.has(key)) storages.set(key, await locateEntry(source, entry, directory.begin));
  }
  const sorted = [...storages].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  for (const [i, [key, { begin }]] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before === undefined || before[1].end <= begin) continue;
    throw new FormatError(
      `${source.name} is a damaged zip archive: ${showJson(`data/${before[0]}`)} and ${showJson(`data/${key}`)} overlap; copy or download it again.`,
    );
  }
  return storages;
}
