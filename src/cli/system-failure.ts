import { finishedPath } from "../node/output/unfinished.ts";

/** What an error of the operating system means, and what to do. */
const MEANINGS: Readonly<Record<string, string>> = {
  EACCES: "may not be opened by this user; change its permissions, or choose another path",
  EPERM: "may not be changed by this user; change its permissions, or choose another path",
  EROFS: "lies on a file system that is read-only; choose another path",
  ENOSPC: "cannot be written: the disk is full; free some space, or choose another path",
  EDQUOT: "cannot be written: the disk quota is used up; free some space, or choose another path",
  ENAMETOOLONG: "has a name that is too long for this file system; choose a shorter one",
  EISDIR: "is a folder, but must be a file; choose another path",
  ENOTDIR: "leads through a file as if it were a folder; choose another path",
  ELOOP: "is a link that leads back to itself; remove it, or choose another path",
  ENOENT: "is not there; check the path",
  EMFILE: "cannot be opened: this process has too many files open; pass fewer adapters, or raise the limit (ulimit -n)",
  ENFILE: "cannot be opened: this machine has too many files open; close other programs",
  EIO: "cannot be read or written: the disk reports an error; check the disk",
  EFBIG:
    "cannot be written: it would be larger than this process may make a file (ulimit -f) or the file system takes; raise the limit, or choose another path",
  ENOMEM: "cannot be handled: this machine has too little memory left; close other programs",
  ETXTBSY: "is a program that runs; choose another path",
  EBUSY: "is in use by the system; choose another path",
  ENXIO: "is a pipe or device that nobody serves; choose a plain file",
};

/** What engines say where memory cannot be had. */
const OUT_OF_MEMORY =
  /could not allocate memory|Array buffer allocation failed|Out of memory|Cannot allocate memory|WebAssembly\.Memory\.grow/i;

/** A sentence for an error of the operating system, or for want of memory, as Node gives it; null for any other error. */
export function systemFailure(error: Error & { readonly code?: unknown; readonly path?: string }): string | null {
  const { code, path, message } = error;
  if (typeof code !== "string") return OUT_OF_MEMORY.test(message) ? noMemory(message) : null;
  const meaning = MEANINGS[code];
  if (meaning === undefined) return message;
  return `${path === undefined ? "A file" : finishedPath(path)} ${meaning} (${code}).`;
}

function noMemory(message: string): string {
  const why = "There is too little memory: close other programs, merge fewer adapters at a time, or pass --threads 1";
  if (!message.includes("WebAssembly")) return `${why}.`;
  return `${why}; WebAssembly also reserves 10 GB of addresses a thread, which a limit on them (ulimit -v) must allow.`;
}
