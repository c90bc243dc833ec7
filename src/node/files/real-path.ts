import { existsSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { OutputError } from "../../core/errors.ts";

/**
 * A path with links resolved as far as it exists, so that it can be compared with others.
 *
 * @throws OutputError when a parent of the path is a file, or the path is empty
 */
export function realPath(path: string): string {
  if (path === "") throw new OutputError("The path of the output is empty; say where to write.");
  let existing = resolve(path);
  const missing: string[] = [];
  while (!existsSync(existing)) {
    missing.unshift(basename(existing));
    existing = dirname(existing);
  }
  if (missing.length > 0 && !statSync(existing).isDirectory()) {
    throw new OutputError(`${path} cannot be written: ${basename(existing)} is a file; choose a path through folders.`);
  }
  return join(realpathSync(existing), ...missing);
}

/** Whether a path equals another one or is inside it; both without links. */
export function isWithin(inner: string, outer: string): boolean {
  const way = relative(outer, inner);
  return way === "" || (!isAbsolute(way) && way !== ".." && !way.startsWith(`..${sep}`));
}
