import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";

/** Windows has no such flag, and no pipes among files. */
const NONBLOCK = constants.O_NONBLOCK ?? 0;

/**
 * Open a regular file for reading.
 *
 * @returns a descriptor; null for a folder, pipe or device, which is not opened: a pipe would wait for a writer, and opening a device may
 * have side effects
 */
export function openRegular(path: string): number | null {
  if (!statSync(path).isFile()) return null;
  // It may have been replaced since.
  const descriptor = openSync(path, constants.O_RDONLY | NONBLOCK);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  return null;
}
