import { MAX_TEXT_BYTES } from "../../adapter/container.ts";
import type { AdapterFolder } from "../../adapter/folder.ts";
import { RemoteError } from "../../core/errors.ts";
import { lookUpWeb, type WebListing } from "../../remote/web/look-up.ts";
import { streamWebAdapter } from "../../remote/web/stream-web-adapter.ts";
import { parseWebPath, webName } from "../../remote/web/web-path.ts";
import { secretsOf } from "../../remote/web/web-secrets.ts";
import type { HubOptions } from "./hub-adapters.ts";
import { hubSettings } from "./hub-settings.ts";
import { WebCache } from "./web-cache.ts";

/** Every address that this process asked for, so that all steps of a run see the same version. */
const found = new Map<string, Promise<WebListing>>();

/**
 * What a web server has of an adapter, asked once in each process.
 *
 * @param again whether to ask again
 * @throws UsageError or RemoteError in one sentence each
 */
export function lookedUp(path: string, options: HubOptions = {}, again = false): Promise<WebListing> {
  const { settings = hubSettings(), signal = null } = options;
  const web = parseWebPath(path);
  // A new signature is a new question.
  const key = `${web.address}${secretsOf(web.address).query}`;
  const known = (again ? undefined : found.get(key)) ?? lookUpWeb(settings, web, signal);
  found.set(key, known);
  known.catch(() => found.delete(key));
  return known;
}

/**
 * Download an adapter from a web server into the cache, unless its version is there.
 *
 * @returns its path in the cache
 * @throws UsageError or RemoteError in one sentence each
 */
export async function fetchWebAdapter(path: string, options: HubOptions = {}): Promise<string> {
  const { settings = hubSettings(), onDownload = () => {}, signal = null } = options;
  const web = parseWebPath(path);
  const cache = new WebCache(settings, web);
  if (settings.offline) {
    const known = cache.known();
    if (known !== null) return known;
    throw new RemoteError(
      `${webName(web)} is not in the cache ${settings.cache}-web, and HF_HUB_OFFLINE is set; unset it to download.`,
    );
  }
  const listing = await lookedUp(path, options);
  const { config } = listing;
  if (config !== null && config.size > MAX_TEXT_BYTES) {
    throw new RemoteError(`${config.name} has ${config.size} bytes, too many for a JSON file; choose another adapter.`);
  }
  return cache.fetch(listing, onDownload, signal);
}

/** An adapter on a web server as a folder whose files are read by range. */
export async function streamedWebFolder(path: string, options: HubOptions): Promise<AdapterFolder> {
  const { settings = hubSettings() } = options;
  return streamWebAdapter(await lookedUp(path, options), settings);
}
