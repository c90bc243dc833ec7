import { realpathSync } from "node:fs";
import { join } from "node:path";
import { RefusedError } from "../../core/errors.ts";
import { isWithin } from "../input/real-path.ts";

/** Where the Hub's cache keeps a folder of one commit, and above it the repository, whose blobs the folder's files are links to. */
const SNAPSHOT = /^(.*[/\\]models--[^/\\]+)[/\\]snapshots[/\\][^/\\]+(?:[/\\].*)?$/;

/**
 * Whether a file of a folder is the folder's own: no link, or one that ends in the folder, or in the blobs of the Hub's cache that the folder
 * belongs to. What is copied, uploaded or served must be; else a folder from somebody else could point at anything.
 *
 * @param file name of a file that is there
 */
export function isOwnFile(folder: string, file: string): boolean {
  const real = realpathSync(join(folder, file));
  const home = realpathSync(folder);
  const repository = SNAPSHOT.exec(home)?.[1];
  return isWithin(real, home) || (repository !== undefined && isWithin(real, join(repository, "blobs")));
}

/**
 * @param name what messages call the folder
 * @throws RefusedError for a link out of the folder
 */
export function refuseForeignFile(folder: string, file: string, name: string): void {
  if (isOwnFile(folder, file)) return;
  throw new RefusedError(
    `${name}/${file} is a link out of its folder, and what it leads to may be anything; put the file itself there, or remove the link.`,
  );
}
