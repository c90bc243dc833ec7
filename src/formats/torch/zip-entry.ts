import type { ByteSource } from "../../core/bytes.ts";
import { FormatError, RefusedError } from "../../core/errors.ts";
import { showJson } from "../json.ts";

/** A file of an archive, as the archive's directory describes it. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes of the file itself, and bytes that the archive stores for it. */
  readonly size: number;
  readonly storedSize: number;
  /** 0 for stored bytes, 8 for deflated ones. */
  readonly method: number;
  readonly encrypted: boolean;
  /** Offset in the archive of the entry's own header, which comes before its bytes. */
  readonly headerBegin: number;
}

/** Bytes of an entry in the directory, and of the header in front of its bytes, each without its name. */
export const CENTRAL_BYTES = 46;
export const LOCAL_BYTES = 30;

const LOCAL_SIGNATURE = 0x04034b50;
const ZIP64_EXTRA = 1;
/** The mark of a 32-bit field whose value is in the ZIP64 extra field. */
const ELSEWHERE = 0xffffffff;

/**
 * Parse an entry of the directory.
 * @throws FormatError when its name or its ZIP64 sizes are broken.
 */
export function parseEntry(view: DataView, source: ByteSource): ZipEntry {
  const nameBytes = view.getUint16(28, true);
  const name = entryName(new Uint8Array(view.buffer, view.byteOffset + CENTRAL_BYTES, nameBytes), source);
  const extra = new DataView(view.buffer, view.byteOffset + CENTRAL_BYTES + nameBytes, view.getUint16(30, true));
  const wide = zip64Fields(extra);
  // APPNOTE 4.5.3: the extra field holds the values that do not fit, in this order.
  const [size, storedSize, headerBegin] = [24, 20, 42].map((offset) => {
    const field = view.getUint32(offset, true);
    return field === ELSEWHERE ? wide.shift() : field;
  });
  if (size === undefined || storedSize === undefined || headerBegin === undefined) {
    throw damaged(source, `${showJson(name)} lacks its ZIP64 sizes`);
  }
  const encrypted = (view.getUint16(8, true) & 1) === 1;
  return { name, size, storedSize, method: view.getUint16(10, true), encrypted, headerBegin };
}

/**
 * Where the bytes of an entry are in the archive, according to the header before them.
 * @param filesEnd where the archive's directory begins; all files end before it.
 * @throws RefusedError when they are compressed or encrypted, FormatError when the header is damaged.
 */
export async function locateEntry(
  source: ByteSource,
  entry: ZipEntry,
  filesEnd: number,
): Promise<{ readonly begin: number; readonly end: number }> {
  const { name, size, headerBegin } = entry;
  if (entry.encrypted || entry.method !== 0) {
    const how = entry.encrypted ? "encrypted" : "compressed";
    throw new RefusedError(
      `${source.name}: ${showJson(name)} is ${how}, but torch.save stores it as it is; unpack the archive and pack it with "zip -0", or save it again.`,
    );
  }
  if (size !== entry.storedSize) throw damaged(source, `${showJson(name)} has two different sizes`);
  const written = new TextEncoder().encode(name);
  const header = await readView(source, headerBegin, LOCAL_BYTES + written.length);
  const sameName = written.every((byte, i) => byte === header.getUint8(LOCAL_BYTES + i));
  const fits = header.getUint32(0, true) === LOCAL_SIGNATURE && header.getUint16(26, true) === written.length;
  if (!fits || !sameName || header.getUint16(8, true) !== 0) {
    throw damaged(source, `${showJson(name)} does not begin where the directory says`);
  }
  const begin = headerBegin + header.byteLength + header.getUint16(28, true);
  if (begin + size > filesEnd) throw damaged(source, `${showJson(name)} reaches beyond the files' end`);
  return { begin, end: begin + size };
}

/** A range of the source as a view that begins at 0 of its own buffer. */
export async function readView(source: ByteSource, offset: number, length: number): Promise<DataView> {
  const bytes = new Uint8Array(length);
  await source.read(offset, bytes);
  return new DataView(bytes.buffer);
}

/** The error of a broken archive. */
export function damaged(source: ByteSource, problem: string): FormatError {
  return new FormatError(`${source.name} is a damaged zip archive: ${problem}; copy or download it again.`);
}

/** The numbers of a ZIP64 extra field; none where there is no such field. */
function zip64Fields(extra: DataView): number[] {
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    if (extra.getUint16(at, true) !== ZIP64_EXTRA) continue;
    const fields: number[] = [];
    const end = Math.min(at + 4 + extra.getUint16(at + 2, true), extra.byteLength);
    for (let i = at + 4; i + 8 <= end; i += 8) fields.push(Number(extra.getBigUint64(i, true)));
    return fields;
  }
  return [];
}

function entryName(bytes: Uint8Array, source: ByteSource): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw damaged(source, "a name in its directory is not valid UTF-8");
  }
}
