import { createHash } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { HubError } from "../../core/errors.ts";
import { bodyChunks, LongBody, PROGRESS_BYTES, Stalled } from "../../hub/body.ts";
import { type HubPath, hubName, isCommit } from "../../hub/hub-path.ts";
import { fileUrl, type HubFile } from "../../hub/listing.ts";
import { request, TRIES } from "../../hub/request.ts";
import { readText } from "../files/read-text.ts";
import type { HubSettings } from "./hub-settings.ts";

/** Called as a download proceeds. */
export type OnDownload = (file: string, done: number, size: number) => void;

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
   * @throws HubError when the download fails or its checksum is wrong
   */
  async fetch(commit: string, file: HubFile, onDownload: OnDownload, signal: AbortSignal | null): Promise<void> {
    const place = join(this.snapshot(commit), file.path);
    if (existsSync(place)) return;
    const blob = join(this.#folder, "blobs", file.etag);
    mkdirSync(dirname(place), { recursive: true });
    mkdirSync(dirname(blob), { recursive: true });
    if (!existsSync(blob)) await this.#download(commit, file, blob, onDownload, signal);
    link(blob, place);
  }

  async #download(
    commit: string,
    file: HubFile,
    blob: string,
    onDownload: OnDownload,
    signal: AbortSignal | null,
  ): Promise<void> {
    const partial = `${blob}.${process.pid}.incomplete`;
    adopt(blob, partial);
    const descriptor = openSync(partial, "a+");
    try {
      await this.#append(descriptor, commit, file, onDownload, signal);
      fsyncSync(descriptor);
      verify(descriptor, file, hubName(this.#path));
    } catch (error) {
      closeSync(descriptor);
      // Another run may resume it, unless its content is wrong.
      if (error instanceof WrongContent || error instanceof LongBody) rmSync(partial);
      else renameSync(partial, `${blob}.incomplete`);
      throw error;
    }
    closeSync(descriptor);
    renameSync(partial, blob);
  }

  async #append(
    descriptor: number,
    commit: string,
    file: HubFile,
    onDownload: OnDownload,
    signal: AbortSignal | null,
  ): Promise<void> {
    const { patience } = this.#settings;
    const url = fileUrl(this.#settings, this.#path, commit, file);
    const name = hubName(this.#path);
    let done = fstatSync(descriptor).size;
    if (done > file.size)
      throw new WrongContent(`${name}: a part of ${file.path} in the cache is too long; try again.`);
    for (let poor = 0; done < file.size; ) {
      const asking = { range: done === 0 ? null : { from: done }, signal };
      const response = await request(this.#settings, this.#path, url, async (answer) => answer, asking);
      if (done > 0 && response.status !== 206) {
        await response.body?.cancel();
        throw new WrongContent(`${name}: the download of ${file.path} cannot be resumed; try again.`);
      }
      const before = done;
      const bounds = { name: `${name}/${file.path}`, most: file.size - done, patience, signal };
      try {
        for await (const chunk of bodyChunks(response, bounds)) {
          write(descriptor, chunk);
          done += chunk.length;
          onDownload(file.path, done, file.size);
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (!isBreak(error)) throw error;
      }
      poor = done - before < PROGRESS_BYTES ? poor + 1 : 0;
      if (poor === TRIES && done < file.size) {
        throw new HubError(
          `${name}: the download of ${file.path} broke off at ${done} of ${file.size} bytes; try again to resume it there.`,
        );
      }
    }
  }
}

/** Append all bytes: a single write may take fewer. */
function write(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}

/** Whether the connection broke or stalled, rather than the disk or the server's answer being at fault. */
function isBreak(error: unknown): boolean {
  if (error instanceof Stalled) return true;
  // Errors from the disk name a system call; errors from fetch do not.
  return !(error instanceof HubError) && (error as NodeJS.ErrnoException).syscall === undefined;
}

/** Downloaded bytes that cannot become the file. */
class WrongContent extends HubError {}

/** Take over the partial download of an earlier run. Renaming it ensures that only one process gets it. */
function adopt(blob: string, partial: string): void {
  const folder = dirname(blob);
  const stem = blob.slice(folder.length + 1);
  for (const entry of readdirSync(folder)) {
    const pid = new RegExp(`^${stem}\\.(\\d+)\\.incomplete$`).exec(entry)?.[1];
    if (entry !== `${stem}.incomplete` && (pid === undefined || isRunning(Number(pid)))) continue;
    try {
      renameSync(join(folder, entry), partial);
      return;
    } catch {
      // Another process was faster.
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
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

/** Make a link as Python's library does, or a copy if the file system has no links. */
function link(blob: string, place: string): void {
  try {
    symlinkSync(relative(dirname(place), blob), place);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    copyFileSync(blob, place);
  }
}
