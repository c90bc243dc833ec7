import type { AdapterFolder } from "../../adapter/folder.ts";
import { isHubPath } from "../../remote/hub/hub-path.ts";
import { withoutSecrets } from "../../remote/web/web-path.ts";
import { fetchHubAdapter, type HubOptions, pinnedPath, streamedHubFolder } from "./hub-adapters.ts";
import { fetchWebAdapter, streamedWebFolder } from "./web-adapters.ts";

/** Download an adapter from the Hub or another server. @returns its path in the cache */
export async function fetchedPath(path: string, options: HubOptions = {}): Promise<string> {
  return isHubPath(path) ? (await fetchHubAdapter(path, options)).folder : fetchWebAdapter(path, options);
}

/** An adapter on the Hub or another server as a folder whose files are read by range. */
export function streamedFolder(path: string, options: HubOptions): Promise<AdapterFolder> {
  return isHubPath(path) ? streamedHubFolder(path, options) : streamedWebFolder(path, options);
}

/** A path on a server as recipes and queues name it: on the Hub at its commit, elsewhere without secrets. */
export function recordedPath(path: string): string {
  return isHubPath(path) ? pinnedPath(path) : withoutSecrets(path);
}
