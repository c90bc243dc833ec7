import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type HubPath, hubName, isCommit } from "../../remote/hub/hub-path.ts";
import { hubServer } from "../../remote/hub/hub-server.ts";
import { fileUrl, type HubFile } from "../../remote/hub/listing.ts";
import { readText } from "../files/read-text.ts";
import { fetchBlob, linkBlob, type OnDownload, WrongContent } from "./blob.ts";
import type { HubSettings } from "./hub-settings.ts";

/** One repository's part of the cache, laid out like that of Python's huggingface_hub. */
export class RepositoryCache {
  readonly #settings: HubSettings;
  readonly #path: HubPath;
  readonly #folder: string;

  constructor(settings: HubSettings, path: HubPath) {
    this.#settings = settings;
    this.#path = path;
    this.#folder = join(settings.cache, `models--${path.repo.replace("/", "--")}`);
  }

  /** The commit of the revision when it was last looked up; null if it never was. */
  knownCommit(): string | null {
    const { revision } = this.#path;
    if (isCommit(revision)) return existsSync(this.snapshot(revision)) ? revision : null;
    const ref = join(this.#folder, "refs", revision);
    return existsSync(ref) ? readText(ref).trim() : null;
  }

  /** Remember the revision's current commit. */
  remember(commit: string): void {
    if (isCommit(this.#path.revision)) return;
    const ref = join(this.#folder, "refs", this.#path.revision);
    mkdirSync(dirname(ref), { recursive: true });
    writeFileSync(ref, commit);
  }

  /** The folder of a commit's files. */
  snapshot(commit: string): string {
    return join(this.#folder, "snapshots", commit);
  }

  /**
   * Put a file into the snapshot of a commit; it is downloaded unless the cache has its content. Several processes may do so at once: each
   * writes its own file, and a process resumes the download that an ended one left behind.
   *
   * @throws RemoteError when the download fails or its checksum is wrong
   */
  async fetch(commit: string, file: HubFile, onDownload: OnDownload, signal: AbortSignal | null): Promise<void> {
    const place = join(this.snapshot(commit), file.path);
    if (existsSync(place)) return;
    const blob = join(this.#folder, "blobs", file.etag);
    const name = hubName(this.#path);
    const download = {
      server: hubServer(this.#settings, this.#path),
      url: fileUrl(this.#settings, this.#path, commit, file),
      file: file.path,
      name: `${name}/${file.path}`,
      size: file.size,
      version: null,
      check: (descriptor: number): void => verify(descriptor, file, name),
    };
    await fetchBlob(blob, download, onDownload, signal);
    linkBlob(blob, place);
  }
}

/** Check SHA-256 for large files, git's SHA-1 for small ones. */
function verify(descriptor: number, { path, size, etag, large }: HubFile, name: string): void {
  const hash = createHash(large ? "sha256" : "sha1");
  if (!large) hash.update(`blob ${size}\0`);
  const chunk = new Uint8Array(1 << 20);
  let at = 0;
  for (let count = readSync(descriptor, chunk, 0, chunk.length, at); count > 0; ) {
    hash.update(chunk.subarray(0, count));
    at += count;
    count = readSync(descriptor, chunk, 0, chunk.length, at);
  }
  const found = hash.digest("hex");
  if (found === etag) return;
  throw new WrongContent(
    `${name}: ${path} was downloaded with the checksum ${found.slice(0, 12)}..., but the Hub says ${etag.slice(0, 12)}...; try again.`,
  );
}
