import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { RemoteError } from "../../core/errors.ts";
import { bodyChunks, LongBody, PROGRESS_BYTES, Stalled } from "../../remote/body.ts";
import type { FileVersion } from "../../remote/file-version.ts";
import { request, type Server, TRIES } from "../../remote/request.ts";
import { freeBytes } from "../files/free-bytes.ts";

/** Called as a download proceeds. */
export type OnDownload = (file: string, done: number, size: number) => void;

/** A file on a server. */
export interface Download {
  readonly server: Server;
  readonly url: string;
  /** Its path, for whoever watches the download. */
  readonly file: string;
  /** What messages call it. */
  readonly name: string;
  readonly size: number;
  /** What the server must still have; null where the URL is that of one content for ever. */
  readonly version: FileVersion | null;
  /** Check what was downloaded. @throws WrongContent */
  check?(descriptor: number): void;
}

/**
 * Download a file into a cache, unless it is there. Several processes may do so at once: each writes its own file, and a process resumes
 * the download that an ended one left behind.
 *
 * @param blob where it appears, complete; a path that stands for this content
 * @throws RemoteError when the download fails, its checksum is wrong, or the disk has no room for it
 */
export async function fetchBlob(
  blob: string,
  download: Download,
  onDownload: OnDownload,
  signal: AbortSignal | null,
): Promise<void> {
  mkdirSync(dirname(blob), { recursive: true });
  if (existsSync(blob)) return;
  const partial = `${blob}.${process.pid}.incomplete`;
  adopt(blob, partial);
  const descriptor = openSync(partial, "a+");
  try {
    await append(descriptor, dirname(blob), download, onDownload, signal);
    fsyncSync(descriptor);
    download.check?.(descriptor);
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

async function append(
  descriptor: number,
  folder: string,
  { server, url, file, name, size, version }: Download,
  onDownload: OnDownload,
  signal: AbortSignal | null,
): Promise<void> {
  let done = fstatSync(descriptor).size;
  if (done > size) throw new WrongContent(`${name}: a part of it in the cache is too long; try again.`);
  refuseFull(folder, name, size - done);
  for (let poor = 0; done < size; ) {
    const asking = { range: done === 0 ? null : { from: done }, version, signal };
    const response = await request(server, url, async (answer) => answer, asking);
    if (done > 0 && response.status !== 206) {
      await response.body?.cancel();
      throw new WrongContent(`${name}: the download cannot be resumed; try again.`);
    }
    const before = done;
    const bounds = { name, most: size - done, patience: server.patience, signal };
    try {
      for await (const chunk of bodyChunks(response, bounds)) {
        write(descriptor, chunk);
        done += chunk.length;
        onDownload(file, done, size);
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!isBreak(error)) throw error;
    }
    poor = done - before < PROGRESS_BYTES ? poor + 1 : 0;
    if (poor === TRIES && done < size) {
      throw new RemoteError(
        `${name}: the download broke off at ${done} of ${size} bytes; try again to resume it there.`,
      );
    }
  }
}

function refuseFull(folder: string, name: string, bytes: number): void {
  const free = freeBytes(folder);
  if (bytes <= free) return;
  throw new RemoteError(
    `${name}: ${bytes} bytes are left to download, but only ${free} are free in ${folder}; free some space, set HF_HOME to a folder on another disk, or read it with --stream.`,
  );
}

/** Append all bytes: a single write may take fewer. */
function write(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}

/** Whether the connection broke or stalled, rather than the disk or the server's answer being at fault. */
function isBreak(error: unknown): boolean {
  if (error instanceof Stalled) return true;
  // Errors from the disk name a system call; errors from fetch do not.
  return !(error instanceof RemoteError) && (error as NodeJS.ErrnoException).syscall === undefined;
}

/** Downloaded bytes that cannot become the file. */
export class WrongContent extends RemoteError {}

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

/** Put a blob at a place: a link to it, as Python's library does, or a copy if the file system has no links. */
export function linkBlob(blob: string, place: string): void {
  mkdirSync(dirname(place), { recursive: true });
  try {
    symlinkSync(relative(dirname(place), blob), place);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    copyFileSync(blob, place);
  }
}
