import { closeSync, fstatSync, readSync } from "node:fs";
import { type ByteSource, endsEarly } from "../../core/bytes.ts";
import { FormatError } from "../../core/errors.ts";
import { naming } from "./named-failure.ts";
import { nearPath } from "./near-path.ts";
import { openRegular } from "./regular-file.ts";

/** A ByteSource over a file that stays open until it is closed. */
export interface FileSource extends ByteSource {
  readonly path: string;
  /** The path for messages and commands. */
  readonly shown: string;
  /** Close the file; a second call does nothing. */
  close(): void;
}

/**
 * Open a file for reading by range. Reads are synchronous pread calls: an adapter's files are in the page cache or on a local disk,
 * where a call costs microseconds and a hop to the thread pool ten times as much.
 */
export function openFile(path: string, name: string): FileSource {
  const descriptor = openRegular(path);
  if (descriptor === null) {
    throw new FormatError(`${name} is a folder, pipe or device; pass an adapter whose files are regular files.`);
  }
  const { size } = fstatSync(descriptor);
  let open = true;
  return {
    path,
    shown: nearPath(path),
    name,
    size,
    async read(offset, into) {
      for (let done = 0; done < into.byteLength; ) {
        const count = naming(path, () => readSync(descriptor, into, done, into.byteLength - done, offset + done));
        if (count === 0) throw endsEarly({ name, size }, offset, into.byteLength);
        done += count;
      }
    },
    close() {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}
