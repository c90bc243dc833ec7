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
  ENXIO: "is a pipe or device that nobody serves; choose a plain file",
};

/** A sentence for an error of the operating system, as Node gives it; its own message where the code is not known. */
export function systemFailure(error: NodeJS.ErrnoException): string {
  const meaning = MEANINGS[error.code ?? ""];
  if (meaning === undefined) return error.message;
  return `${error.path ?? "A file"} ${meaning} (${error.code}).`;
}
