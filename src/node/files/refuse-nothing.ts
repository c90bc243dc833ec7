import { existsSync } from "node:fs";
import { UsageError } from "../../core/errors.ts";
import { whyNotThere } from "./is-there.ts";

/**
 * Refuse a path that somebody passed and at which nothing is, or a link that leads nowhere.
 *
 * @param what it names
 * @param instead what to pass
 * @throws UsageError
 */
export function refuseNothing(path: string, what: string, instead: string): void {
  if (existsSync(path) || ![null, "ENOENT"].includes(whyNotThere(path))) return;
  throw new UsageError(`There is no ${what} ${path}; pass ${instead}.`);
}
