import { createHash } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { WebListing } from "../../remote/web/look-up.ts";
import { type WebPath, webName } from "../../remote/web/web-path.ts";
import { webServer } from "../../remote/web/web-server.ts";
import { readText } from "../files/read-text.ts";
import { fetchBlob, linkBlob, type OnDownload } from "./blob.ts";
import type { HubSettings } from "./hub-settings.ts";

/**
 * One folder of a web server in the cache, beside the Hub's and laid out like it: blobs by address and version, and snapshots that link to
 * them. What was downloaded is never changed, so that a merge reads one version to its end.
 */
export class WebCache {
  readonly #settings: HubSettings;
  readonly #path: WebPath;
  readonly #folder: string;

  constructor(settings: HubSettings, path: WebPath) {
    this.#settings = settings;
    this.#path = path;
    const host = new URL(path.address).host.replaceAll(":", "-");
    this.#folder = join(`${settings.cache}-web`, `web--${host}--${idOf(path.folder)}`);
  }

  /** The adapter's path in the cache as it was last; null if it is not there. */
  known(): string | null {
    const ref = this.#ref();
    const place = existsSync(ref) ? this.#place(readText(ref).trim()) : null;
    return place !== null && existsSync(place) ? place : null;
  }

  /** Download what is not there yet. @returns the adapter's path in the cache: its folder, or its file as the address names it */
  async fetch(listing: WebListing, onDownload: OnDownload, signal: AbortSignal | null): Promise<string> {
    const files = [listing.config, listing.weights].filter((file) => file !== null);
    const id = idOf(files.map(({ file, version }) => [file, version]));
    const folder = this.#snapshot(id);
    for (const file of files) {
      const blob = join(this.#folder, "blobs", idOf([file.file, file.version]));
      const server = webServer(this.#settings, file.name, listing.from);
      await fetchBlob(blob, { ...file, server }, onDownload, signal);
      linkBlob(blob, join(folder, file.file));
    }
    const ref = this.#ref();
    mkdirSync(dirname(ref), { recursive: true });
    writeFileSync(ref, id);
    return this.#place(id);
  }

  #ref(): string {
    return join(this.#folder, "refs", this.#path.file === null ? "folder" : idOf(this.#path.file));
  }

  #place(id: string): string {
    return join(this.#snapshot(id), this.#path.file ?? "");
  }

  /** Its last part is the folder's own name, which adapters in it are called by. */
  #snapshot(id: string): string {
    const name = webName({ ...this.#path, file: null })
      .split("/")
      .at(-1)!;
    return join(this.#folder, "snapshots", id, name.replace(/[^\w.-]/g, "-").replace(/^\.+/, "-"));
  }
}

/** A file name that stands for something. */
function idOf(what: unknown): string {
  return createHash("sha256").update(JSON.stringify(what)).digest("hex").slice(0, 40);
}
