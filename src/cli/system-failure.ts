import { dirname } from "node:path";
import { whyNotThere } from "../node/files/is-there.ts";
import { finishedPath } from "../node/output/unfinished.ts";

/** What an error of the operating system means, and what to do. */
const MEANINGS: Readonly<Record<string, string>> = {
  EACCES: "cannot be opened by this user; change its permissions, or choose another path",
  EPERM: "cannot be changed by this user; change its permissions, or choose another path",
  EROFS: "is on a read-only file system; choose another path",
  ENOSPC: "cannot be written: the disk is full; free some space, or choose another path",
  EDQUOT: "cannot be written: the disk quota is used up; free some space, or choose another path",
  ENAMETOOLONG: "has a name that is too long for this file system; choose a shorter one",
  EISDIR: "is a folder, but must be a file; choose another path",
  ENOTDIR: "leads through a file as if it were a folder; choose another path",
  ELOOP: "is a link that leads back to itself; remove it, or choose another path",
  ENOENT: "does not exist; check the path",
  EMFILE: "cannot be opened: this process has too many files open; pass fewer adapters, or raise the limit (ulimit -n)",
  ENFILE: "cannot be opened: this machine has too many files open; close other programs",
  EIO: "cannot be read or written: the disk reports an error; check the disk",
  EFBIG:
    "cannot be written: it would be larger than this process (ulimit -f) or the file system allows; raise the limit, or choose another path",
  ENOMEM: "cannot be handled: this machine has too little memory left; close other programs",
  ETXTBSY: "is a program that is running; choose another path",
  EBUSY: "is in use by the system; choose another path",
  ENXIO: "is a pipe or device with nothing at its other end; choose a regular file",
};

/** The same of a folder in which something was to be made. */
const UNMADE: Readonly<Record<string, string>> = {
  EACCES: "is a folder in which this user may not write",
  EPERM: "is a folder in which this user may not write",
  EROFS: "is on a read-only file system",
  ENOENT: "is no folder in which anything can be made",
};

/** What JavaScript engines say when an allocation fails. */
const OUT_OF_MEMORY =
  /could not allocate memory|Array buffer allocation failed|Out of memory|Cannot allocate memory|WebAssembly\.Memory\.grow/i;

/** A sentence for an error of the operating system or a lack of memory; null for any other error. */
export function systemFailure(
  error: Error & { readonly code?: unknown; readonly path?: string; readonly syscall?: string },
): string | null {
  const { code, path, message, syscall } = error;
  if (typeof code !== "string") return OUT_OF_MEMORY.test(message) ? noMemory(message) : null;
  const meaning = MEANINGS[code];
  if (meaning === undefined) return message;
  const place = path === undefined ? null : finishedPath(path);
  // What is not there yet was to be made, and its folder is what refuses that.
  const unmade = place !== null && whyNotThere(place) === "ENOENT";
  const made = unmade ? UNMADE[code] : undefined;
  if (made !== undefined && (code !== "ENOENT" || syscall === "mkdir")) {
    return `${dirname(place!)} ${made}, so ${place} cannot be made there; choose another path (${code}).`;
  }
  return `${place ?? "A file"} ${meaning} (${code}).`;
}

function noMemory(message: string): string {
  const why = "There is too little memory: close other programs, merge fewer adapters at a time, or pass --threads 1";
  if (!message.includes("WebAssembly")) return `${why}.`;
  return `${why}; WebAssembly also reserves 10 GB of address space per thread, which ulimit -v must allow.`;
}
