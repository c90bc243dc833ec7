import { type AdapterFolder, fileOf } from "../adapter/folder.ts";
import { type ByteSource, blobSource, memorySource } from "../core/bytes.ts";
import { FormatError } from "../core/errors.ts";
import { rangedSource } from "../core/ranged-source.ts";
import { fillFrom } from "../remote/body.ts";
import type { HubPath } from "../remote/hub/hub-path.ts";
import { type HubAccess, hubServer } from "../remote/hub/hub-server.ts";
import { type RemoteFile, type RemoteSource, urlSource } from "../remote/url-source.ts";
import type { FolderReader } from "../report/tokenizer-files.ts";

/** A file in a page, as plain data that can be sent to workers: a Blob, a URL that serves ranges, a file on the Hub, or bytes. */
export type HandedFile =
  | { readonly blob: Blob }
  | { readonly url: string; readonly size: number }
  | ({ readonly remote: RemoteFile<HubPath> } & Pick<HubAccess, "endpoint" | "token">)
  | { readonly bytes: Uint8Array };

/** The files of one adapter by name, and the adapter's name. */
export interface HandedFolder {
  readonly name: string;
  readonly files: Readonly<Record<string, HandedFile>>;
  /** Names of the folders in it that hold adapters themselves. */
  readonly folders: readonly string[];
}

/** A source that knows the file it was made from. */
export interface HandedSource extends ByteSource {
  readonly handed: HandedFile;
}

/** @throws (on reading) FormatError or RemoteError when a server does not send what it should */
export function openHanded(name: string, handed: HandedFile): HandedSource {
  return { ...plainSource(name, handed), handed };
}

function plainSource(name: string, handed: HandedFile): ByteSource {
  if ("blob" in handed) return blobSource(name, handed.blob);
  if ("bytes" in handed) return memorySource(name, handed.bytes);
  if ("remote" in handed) {
    const access = { ...handed, fetch: fetchHere };
    return urlSource(hubServer(access, handed.remote.from), access, handed.remote);
  }
  const { url, size } = handed;
  return rangedSource(name, size, async (from, to) => {
    const response = await fetchHere(url, { headers: { range: `bytes=${from}-${to - 1}` } }).catch(() => {
      throw new FormatError(
        `${name} can no longer be reached; is lora-lego ui, or whatever serves the page, still running?`,
      );
    });
    if (response.status !== 206 && !(response.ok && from === 0 && to === size)) {
      throw new FormatError(`${name} can no longer be read (the server answered ${response.status}); open it again.`);
    }
    const bytes = new Uint8Array(to - from);
    return bytes.subarray(0, await fillFrom(response, bytes, { name }));
  });
}

/** A browser's fetch must be called on the global object. */
const fetchHere: typeof fetch = (...of) => fetch(...of);

/** The file that a source was made from, to open it in a worker; bytes that were decoded into memory are sent as they are. */
export function handedOf(source: ByteSource): HandedFile {
  if ("handed" in source) return (source as HandedSource).handed;
  if ("remote" in source) {
    const { remote, access } = source as RemoteSource;
    // A page reads no other server.
    return { remote: remote as RemoteFile<HubPath>, endpoint: access.endpoint, token: access.token };
  }
  return { bytes: (source as ByteSource & { readonly bytes: Uint8Array }).bytes };
}

/** Handed files as a folder that can be opened. */
export function handedFolder({ name, files, folders }: HandedFolder): AdapterFolder {
  return {
    name,
    files: Object.keys(files).sort(),
    folders,
    async open(file) {
      const handed = Object.hasOwn(files, file) ? files[file] : undefined;
      if (handed === undefined)
        throw new FormatError(`${fileOf(name, file)} is missing; add it to the adapter's files.`);
      return openHanded(fileOf(name, file), handed);
    },
  };
}

/** Reads single files of a handed folder whole. */
export function handedReader({ name, files }: HandedFolder): FolderReader {
  return async (file, most) => {
    const handed = Object.hasOwn(files, file) ? files[file] : undefined;
    if (handed === undefined) return null;
    const source = openHanded(fileOf(name, file), handed);
    if (source.size > most) return null;
    const bytes = new Uint8Array(source.size);
    await source.read(0, bytes);
    return bytes;
  };
}
