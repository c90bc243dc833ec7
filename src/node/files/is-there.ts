import { lstatSync } from "node:fs";

/** Whether something is at a path, be it a link to nothing; false where the system does not say. */
export function isThere(path: string): boolean {
  return whyNotThere(path) === null;
}

/** The code of the system's error for a path, such as ENOENT where nothing is; null where something is there. */
export function whyNotThere(path: string): string | null {
  try {
    lstatSync(path);
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "";
  }
}
