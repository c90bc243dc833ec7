import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { MAX_TEXT_BYTES } from "../../adapter/container.ts";
import { type AdapterFolder, chooseFiles } from "../../adapter/folder.ts";
import { RemoteError } from "../../core/errors.ts";
import { readShardIndex } from "../../formats/safetensors/shards.ts";
import { type HubPath, hubName, isCommit, parseHubPath, pinnedHubPath } from "../../remote/hub/hub-path.ts";
import { type HubFile, listHubFolder } from "../../remote/hub/listing.ts";
import { listedFolder, streamHubAdapter } from "../../remote/hub/stream-adapter.ts";
import { readText } from "../files/read-text.ts";
import type { OnDownload } from "./blob.ts";
import { RepositoryCache } from "./hub-cache.ts";
import { type HubSettings, hubSettings } from "./hub-settings.ts";

/** Model cards say which data an adapter was trained on. */
const CARD = "README.md";
const MAX_CARD_BYTES = 1 << 20;

/** Where an adapter from the Hub is found. */
export interface HubAdapter {
  readonly name: string;
  /** The path at the commit that was found. */
  readonly pinned: string;
  /** Its folder in the cache. */
  readonly folder: string;
}

/** How to get adapters from the Hub. */
export interface HubOptions {
  readonly settings?: HubSettings;
  readonly onDownload?: OnDownload;
  readonly signal?: AbortSignal;
}

/** Every path that this process asked for, so that all steps of a run see the same commit. */
const found = new Map<string, Promise<HubAdapter>>();
const pinned = new Map<string, string>();

/**
 * Download the files of a Hub adapter into the cache: its config, weights and card, and nothing else from the repository.
 *
 * @throws RemoteError, UsageError or RefusedError in one sentence each
 */
export function fetchHubAdapter(path: string, options: HubOptions = {}): Promise<HubAdapter> {
  const known = found.get(path) ?? locate(path, options);
  found.set(path, known);
  known.catch(() => found.delete(path));
  return known;
}

/** A Hub path at the commit that this process found it at. */
export function pinnedPath(path: string): string {
  return pinned.get(path) ?? path;
}

async function locate(
  path: string,
  { settings = hubSettings(), onDownload = () => {}, signal }: HubOptions,
): Promise<HubAdapter> {
  const hub = parseHubPath(path);
  const cache = new RepositoryCache(settings, hub);
  const commit = await bring(hub, cache, settings, onDownload, signal ?? null);
  const adapter = {
    name: hubName(hub),
    pinned: pinnedHubPath(hub, commit),
    folder: join(cache.snapshot(commit), hub.subfolder),
  };
  pinned.set(path, adapter.pinned);
  return adapter;
}

/** @returns the commit whose files are now in the cache */
async function bring(
  hub: HubPath,
  cache: RepositoryCache,
  settings: HubSettings,
  onDownload: OnDownload,
  signal: AbortSignal | null,
): Promise<string> {
  const known = cache.knownCommit();
  const cached = known !== null && isComplete(join(cache.snapshot(known), hub.subfolder), hubName(hub)) ? known : null;
  if (cached !== null && (settings.offline || isCommit(hub.revision))) return cached;
  if (settings.offline) {
    throw new RemoteError(
      `${hubName(hub)} at ${hub.revision} is not in the cache ${settings.cache}, and HF_HUB_OFFLINE is set; unset it to download.`,
    );
  }
  const listing = await listHubFolder(settings, hub);
  const get = async (file: HubFile): Promise<void> => {
    if (file.path.endsWith(".json") && file.size > MAX_TEXT_BYTES) {
      throw new RemoteError(
        `${hubName(hub)} lists ${file.path} with ${file.size} bytes, too many for a JSON file; choose another adapter.`,
      );
    }
    await cache.fetch(listing.commit, file, onDownload, signal);
  };
  const chosen = chooseFiles(listedFolder(hub, listing));
  const wanted = [chosen.config, chosen.weights].filter((name) => name !== null);
  const card = listing.files.get(CARD);
  if (card !== undefined && card.size <= MAX_CARD_BYTES) wanted.push(CARD);
  for (const name of wanted) await get(listing.files.get(name)!);
  if (chosen.sharded) {
    const index = join(cache.snapshot(listing.commit), listing.files.get(chosen.weights)!.path);
    for (const shard of readShardIndex(readText(index), `${hubName(hub)}/${chosen.weights}`).files) {
      const file = listing.files.get(shard);
      if (file === undefined) {
        throw new RemoteError(
          `${hubName(hub)} has no ${shard}, which ${chosen.weights} names; ask its author to upload it.`,
        );
      }
      await get(file);
    }
  }
  cache.remember(listing.commit);
  return listing.commit;
}

/** Whether a folder of the cache already holds a complete adapter. */
function isComplete(folder: string, name: string): boolean {
  if (!existsSync(folder)) return false;
  const files = readdirSync(folder);
  try {
    const { weights, sharded } = chooseFiles({ name, files, folders: [] });
    if (!sharded) return existsSync(join(folder, weights));
    const index = readShardIndex(readText(join(folder, weights)), name);
    return index.files.every((shard) => existsSync(join(folder, shard)));
  } catch {
    return false;
  }
}

/** A Hub adapter as a folder whose files are read by range. */
export async function streamedHubFolder(
  path: string,
  { settings = hubSettings() }: HubOptions,
): Promise<AdapterFolder> {
  const { folder, pinned: at } = await streamHubAdapter(path, settings);
  pinned.set(path, at);
  return folder;
}
