import { closeSync, ftruncateSync, openSync, renameSync, writeSync } from "node:fs";
import type { ByteSink } from "../../core/bytes.ts";
import { naming } from "../files/named-failure.ts";

/** A ByteSink into a file. */
export interface FileSink extends ByteSink {
  close(): void;
}

/** Make a file of `size` bytes and fill it. */
export async function fillFile<T>(path: string, size: number, fill: (sink: ByteSink) => Promise<T>): Promise<T> {
  createFile(path, size);
  const sink = openSink(path);
  try {
    return await fill(sink);
  } finally {
    sink.close();
  }
}

/** Make a file of `size` bytes, all zero. */
export function createFile(path: string, size: number): void {
  const descriptor = openSync(path, "w");
  try {
    naming(path, () => ftruncateSync(descriptor, size));
  } finally {
    closeSync(descriptor);
  }
}

/** Give a complete file its place in an output on the same file system. */
export function moveFile(from: string, to: string): void {
  naming(to, () => renameSync(from, to));
}

/** Open an existing file for writing at any offset; several threads may do so at once. */
export function openSink(path: string): FileSink {
  const descriptor = openSync(path, "r+");
  let open = true;
  return {
    async write(offset, bytes) {
      for (let done = 0; done < bytes.byteLength; ) {
        done += naming(path, () => writeSync(descriptor, bytes, done, bytes.byteLength - done, offset + done));
      }
    },
    close() {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}
