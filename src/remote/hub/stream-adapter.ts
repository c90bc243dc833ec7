import { MAX_TEXT_BYTES } from "../../adapter/container.ts";
import { type AdapterFolder, fileOf } from "../../adapter/folder.ts";
import { memorySource } from "../../core/bytes.ts";
import { RemoteError } from "../../core/errors.ts";
import { urlSource } from "../url-source.ts";
import { type HubPath, hubName, parseHubPath, pinnedHubPath } from "./hub-path.ts";
import { type HubAccess, hubServer } from "./hub-server.ts";
import { fileUrl, type HubListing, listHubFolder } from "./listing.ts";

/** An adapter on the Hub that is read on demand. */
export interface StreamedAdapter {
  /** For `openAdapter`. */
  readonly folder: AdapterFolder;
  /** The path at the commit that was found. */
  readonly pinned: string;
}

/**
 * An adapter on the Hub as a folder whose files are read by range, so that nothing is stored: configs whole, weights on demand. Runs in
 * Node and in browsers.
 *
 * @param path hf://owner/name[@revision][/subfolder]
 * @throws RemoteError or UsageError in one sentence each
 * @example
 * ```ts
 * import { openAdapter, streamHubAdapter } from "lora-lego";
 *
 * const endpoint = process.env.HF_ENDPOINT ?? "https://huggingface.co";
 * const { folder } = await streamHubAdapter("hf://alice/sort", { endpoint, token: null, fetch });
 * const adapter = await openAdapter(folder);
 * console.log(adapter.modules.size); // 21
 * ```
 */
export async function streamHubAdapter(path: string, access: HubAccess): Promise<StreamedAdapter> {
  const hub = parseHubPath(path);
  const listing = await listHubFolder(access, hub);
  const name = hubName(hub);
  const folder: AdapterFolder = {
    ...listedFolder(hub, listing),
    async open(file) {
      const entry = listing.files.get(file);
      if (entry === undefined) throw new RemoteError(`${name} has no file ${file}; ask its author to upload it.`);
      const url = fileUrl(access, hub, listing.commit, entry);
      const sha256 = entry.large ? entry.etag : null;
      const source = urlSource(hubServer(access, hub), access, {
        name: fileOf(name, file),
        url,
        size: entry.size,
        from: hub,
        version: null,
        sha256,
      });
      // Whoever reads a config refuses one that is too long.
      if (!file.endsWith(".json") || entry.size > MAX_TEXT_BYTES) return source;
      const bytes = new Uint8Array(entry.size);
      await source.read(0, bytes);
      return memorySource(source.name, bytes);
    },
  };
  return { folder, pinned: pinnedHubPath(hub, listing.commit) };
}

/** An adapter's folder from its listing. */
export function listedFolder(hub: HubPath, { files, folders }: HubListing): Omit<AdapterFolder, "open"> {
  return { name: hubName(hub), files: [...files.keys()].sort(), folders };
}
