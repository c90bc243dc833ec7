import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { hashFiles } from "../node/files/hash.ts";
import type { HubOptions } from "../node/remote/hub-adapters.ts";
import { fetchWebAdapter, lookedUp } from "../node/remote/web-adapters.ts";
import { isStrong } from "../remote/file-version.ts";
import type { WebListing } from "../remote/web/look-up.ts";
import { contentId } from "./wire.ts";

/**
 * What tells the content at an address from others. Where the server's ETags promise equal bytes it is made of these, so that a worker
 * compares it without a download; else of the bytes.
 */
export async function printOfAddress(address: string, options: HubOptions): Promise<string> {
  return ofTags(await lookedUp(address, options)) ?? ofBytes(address, options);
}

/** Whether an address has the content of a print; its server is asked again. */
export async function hasPrint(address: string, print: string, options: HubOptions): Promise<boolean> {
  const listing = await lookedUp(address, options, true);
  return print === (print.startsWith(BYTES) ? await ofBytes(address, options) : ofTags(listing));
}

const BYTES = "sha256:";

function ofTags({ config, weights }: WebListing): string | null {
  const files = config === null ? [weights] : [config, weights];
  if (!files.every(({ version }) => isStrong(version.etag))) return null;
  return `etag:${contentId(JSON.stringify(files.map(({ file, size, version }) => [file, size, version.etag])))}`;
}

/** Of all files of its snapshot, by name. */
async function ofBytes(address: string, options: HubOptions): Promise<string> {
  const path = await fetchWebAdapter(address, options);
  const folder = statSync(path).isDirectory() ? path : dirname(path);
  const files = readdirSync(folder).sort();
  return `${BYTES}${await hashFiles(files.map((file) => join(folder, file)))}`;
}
