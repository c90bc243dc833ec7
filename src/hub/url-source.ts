import type { ByteSource } from "../core/bytes.ts";
import { HubError } from "../core/errors.ts";
import { rangedSource } from "../core/ranged-source.ts";
import { fillFrom } from "./body.ts";
import type { HubPath } from "./hub-path.ts";
import { type HubAccess, request } from "./request.ts";

/** A file on the Hub as plain data: enough for any thread to read ranges of it. */
export interface RemoteFile {
  readonly name: string;
  readonly url: string;
  readonly size: number;
  readonly path: HubPath;
  /** Of its content; null if the Hub does not know it. */
  readonly sha256: string | null;
}

/** A ByteSource that reads ranges of a file on the Hub on demand. */
export interface RemoteSource extends ByteSource {
  readonly remote: RemoteFile;
  readonly access: HubAccess;
}

/** @throws (on reading) HubError when the Hub cannot be reached, ignores ranges or sends more; FormatError when it sends less */
export function urlSource(access: HubAccess, remote: RemoteFile): RemoteSource {
  const { name, size, url, path } = remote;
  const fetchRange = (from: number, to: number): Promise<Uint8Array> => {
    const whole = from === 0 && to === size;
    const read = async (response: Response): Promise<Uint8Array> => {
      if (response.status !== 206 && !whole) {
        await response.body?.cancel();
        throw new HubError(
          `${name}: the server sends whole files only, no ranges; download it instead (leave out --stream).`,
        );
      }
      const bytes = new Uint8Array(to - from);
      return bytes.subarray(0, await fillFrom(response, bytes, { name, patience: access.patience }));
    };
    return request(access, path, url, read, { range: { from, to } });
  };
  return { ...rangedSource(name, size, fetchRange), remote, access };
}
