import { FormatError } from "./errors.ts";

/** Random access to immutable bytes: a file, a Blob, an array in memory, a range-readable URL. */
export interface ByteSource {
  /** Its name in messages: a file name, never a full path in reports. */
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /**
   * Fill all of `into` with the bytes starting at `offset`.
   * @throws FormatError if the source ends too early.
   */
  read(offset: number, into: Uint8Array): Promise<void>;
}

/** Random-access writing into an output of known size; writes of distinct ranges may come in any order. */
export interface ByteSink {
  /** Write all of `bytes` starting at `offset`. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
}

/** Whether two arrays hold the same bytes. */
export function bytesEqual(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

/** The error of every ByteSource for a range beyond its end. */
export function endsEarly(source: { name: string; size: number }, offset: number, length: number): FormatError {
  return new FormatError(
    `${source.name} ends early: it has ${source.size} bytes, but bytes ${offset} to ${offset + length} are needed; copy or download it again.`,
  );
}

/** A ByteSource over bytes in memory that exposes them. */
export interface MemorySource extends ByteSource {
  readonly bytes: Uint8Array;
}

/**
 * A ByteSource over bytes that are already in memory.
 *
 * @example
 * ```ts
 * import { memorySource } from "lora-lego";
 *
 * const source = memorySource("numbers", Uint8Array.of(1, 2, 3));
 * const into = new Uint8Array(2);
 * await source.read(1, into);
 * console.log(into.join(" ")); // 2 3
 * ```
 */
export function memorySource(name: string, bytes: Uint8Array): MemorySource {
  const size = bytes.byteLength;
  return {
    name,
    size,
    bytes,
    async read(offset, into) {
      if (offset < 0 || offset + into.byteLength > size) throw endsEarly({ name, size }, offset, into.byteLength);
      into.set(bytes.subarray(offset, offset + into.byteLength));
    },
  };
}

/**
 * A ByteSource over a Blob or File (browser, or Node's Blob).
 *
 * @example
 * ```ts
 * import { blobSource } from "lora-lego";
 *
 * const source = blobSource("letters", new Blob(["abcdef"]));
 * const into = new Uint8Array(2);
 * await source.read(3, into);
 * console.log(source.size, new TextDecoder().decode(into)); // 6 de
 * ```
 */
export function blobSource(name: string, blob: Blob): ByteSource {
  const size = blob.size;
  return {
    name,
    size,
    async read(offset, into) {
      if (offset < 0 || offset + into.byteLength > size) throw endsEarly({ name, size }, offset, into.byteLength);
      into.set(new Uint8Array(await blob.slice(offset, offset + into.byteLength).arrayBuffer()));
    },
  };
}

/**
 * A ByteSink into memory, for small results and tests.
 *
 * @example
 * ```ts
 * import { memorySink } from "lora-lego";
 *
 * const sink = memorySink(4);
 * await sink.write(2, Uint8Array.of(7, 8));
 * console.log(sink.bytes.join(" ")); // 0 0 7 8
 * ```
 */
export function memorySink(size: number): ByteSink & { readonly bytes: Uint8Array } {
  const bytes = new Uint8Array(size);
  return {
    bytes,
    async write(offset, chunk) {
      bytes.set(chunk, offset);
    },
  };
}
