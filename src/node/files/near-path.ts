import { relative, resolve } from "node:path";

/** A path as a command in the current folder would name it: relative to that, where this is shorter. */
export function nearPath(path: string): string {
  const [full, near] = [resolve(path), relative("", path)];
  return near !== "" && near.length < full.length ? near : full;
}
