import type { ByteSource } from "../../core/bytes.ts";
import { FormatError } from "../../core/errors.ts";
import { showJson } from "../json.ts";
import { SAVE_INSTEAD } from "./values.ts";
import { CENTRAL_BYTES, damaged, LOCAL_BYTES, parseEntry, readView, type ZipEntry } from "./zip-entry.ts";

/** The list of files at the end of an archive. */
export interface ZipDirectory {
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /** Where the directory begins; all files end before it. */
  readonly begin: number;
}

/** One entry per storage, so far more than adapters have. */
const MAX_ENTRIES = 1 << 17;
const MAX_DIRECTORY_BYTES = 32 << 20;

const END_BYTES = 22;
const END_SIGNATURE = 0x06054b50;
const MAX_COMMENT_BYTES = 0xffff;
const LOCATOR_BYTES = 20;
const LOCATOR_SIGNATURE = 0x07064b50;
const END64_BYTES = 56;
const END64_SIGNATURE = 0x06064b50;
const CENTRAL_SIGNATURE = 0x02014b50;

/**
 * Read the directory of a zip archive (PKWARE's APPNOTE 6.3, ZIP64 included); no file in it is read.
 * @throws FormatError when it is damaged, or larger than any checkpoint's.
 */
export async function readZipDirectory(source: ByteSource): Promise<ZipDirectory> {
  const tailBytes = Math.min(source.size, END_BYTES + MAX_COMMENT_BYTES);
  const tail = await readView(source, source.size - tailBytes, tailBytes);
  const at = findEnd(tail, source);
  const end = source.size - tailBytes + at;
  const wide = await readEnd64(source, end);
  const count = wide?.count ?? tail.getUint16(at + 10, true);
  const bytes = wide?.bytes ?? tail.getUint32(at + 12, true);
  const begin = wide?.begin ?? tail.getUint32(at + 16, true);
  if (count > MAX_ENTRIES || bytes > MAX_DIRECTORY_BYTES) {
    throw new FormatError(
      `${source.name}: its zip directory has ${count} entries in ${bytes} bytes, more than the ${MAX_ENTRIES} in ${MAX_DIRECTORY_BYTES} of the largest checkpoints; ${SAVE_INSTEAD}.`,
    );
  }
  if (begin + bytes > end) throw damaged(source, "its directory reaches beyond its end");
  return { entries: parseDirectory(await readView(source, begin, bytes), count, begin, source), begin };
}

/** The end record's offset in the archive's last bytes; a comment may follow it up to the archive's end. */
function findEnd(tail: DataView, source: ByteSource): number {
  for (let at = tail.byteLength - END_BYTES; at >= 0; at--) {
    if (
      tail.getUint32(at, true) === END_SIGNATURE &&
      at + END_BYTES + tail.getUint16(at + 20, true) === tail.byteLength
    )
      return at;
  }
  throw damaged(source, "it has no directory at its end, so its end is missing or replaced");
}

/** The end record of ZIP64, which comes before the plain one; null where the archive has none. */
async function readEnd64(source: ByteSource, end: number) {
  if (end < LOCATOR_BYTES + END64_BYTES) return null;
  const locator = await readView(source, end - LOCATOR_BYTES, LOCATOR_BYTES);
  if (locator.getUint32(0, true) !== LOCATOR_SIGNATURE) return null;
  const at = Number(locator.getBigUint64(8, true));
  const record = at + END64_BYTES <= end - LOCATOR_BYTES ? await readView(source, at, END64_BYTES) : null;
  if (record === null || record.getUint32(0, true) !== END64_SIGNATURE) {
    throw damaged(source, "its ZIP64 directory is not where it should be");
  }
  return {
    count: Number(record.getBigUint64(32, true)),
    bytes: Number(record.getBigUint64(40, true)),
    begin: Number(record.getBigUint64(48, true)),
  };
}

function parseDirectory(view: DataView, count: number, begin: number, source: ByteSource): Map<string, ZipEntry> {
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const left = view.byteLength - at;
    const whole = left >= CENTRAL_BYTES && view.getUint32(at, true) === CENTRAL_SIGNATURE;
    const lengths = whole ? [28, 30, 32].map((offset) => view.getUint16(at + offset, true)) : [];
    const bytes = lengths.reduce((sum, length) => sum + length, CENTRAL_BYTES);
    if (!whole || bytes > left) throw damaged(source, `entry ${i + 1} of ${count} of its directory is broken`);
    const entry = parseEntry(new DataView(view.buffer, at, bytes), source);
    if (entries.has(entry.name)) throw damaged(source, `its directory has ${showJson(entry.name)} twice`);
    if (entry.headerBegin + LOCAL_BYTES > begin) {
      throw damaged(source, `${showJson(entry.name)} begins beyond the files' end`);
    }
    entries.set(entry.name, entry);
    at += bytes;
  }
  if (at !== view.byteLength) throw damaged(source, "its directory is longer than its entries");
  return entries;
}
