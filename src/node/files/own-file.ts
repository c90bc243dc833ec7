import { realpathSync } from "node:fs";
import { join } from "node:path";
import { RefusedError } from "../../core/errors.ts";
import { isWithin } from "./real-path.ts";

/** A version's folder in the cache of the Hub or of other servers; the first group holds the blobs that its files link to. */
const SNAPSHOT = /^(.*[/\\](?:models|web)--[^/\\]+)[/\\]snapshots[/\\][^/\\]+(?:[/\\].*)?$/;

/**
 * Whether a file belongs to its folder: not a link, or a link into the folder or into the blobs beside it in the cache. Files
 * that are copied, uploaded or served must; else a folder from somebody else could point at anything.
 *
 * @param file name of an existing file
 */
export function isOwnFile(folder: string, file: string): boolean {
  const real = realpathSync(join(folder, file));
  const home = realpathSync(folder);
  const repository = SNAPSHOT.exec(home)?.[1];
  return isWithin(real, home) || (repository !== undefined && isWithin(real, join(repository, "blobs")));
}

/**
 * @param name the folder's name in messages
 * @throws RefusedError for a link out of the folder
 */
export function refuseForeignFile(folder: string, file: string, name: string): void {
  if (isOwnFile(folder, file)) return;
  throw new RefusedError(
    `${name}/${file} is a link out of its folder, which may lead to anything; put the file itself there, or remove the link.`,
  );
}
