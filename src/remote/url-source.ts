import type { ByteSource } from "../core/bytes.ts";
import { RemoteError } from "../core/errors.ts";
import { rangedSource } from "../core/ranged-source.ts";
import { fillFrom } from "./body.ts";
import type { FileVersion } from "./file-version.ts";
import type { HubPath } from "./hub/hub-path.ts";
import type { HubAccess } from "./hub/hub-server.ts";
import { request, type Server } from "./request.ts";
import type { WebOrigin } from "./web/web-server.ts";

/** A file on the Hub or another server as plain data: enough for any thread to read ranges of it. */
export interface RemoteFile<From extends HubPath | WebOrigin = HubPath | WebOrigin> {
  readonly name: string;
  readonly url: string;
  readonly size: number;
  /** Who has it. */
  readonly from: From;
  /** The version that is read, so that none is mixed with another; null where the URL is that of one content for ever. */
  readonly version: FileVersion | null;
  /** Of its content; null if the server does not know it. */
  readonly sha256: string | null;
}

/** A ByteSource that reads ranges of a file on a server on demand. */
export interface RemoteSource extends ByteSource {
  readonly remote: RemoteFile;
  readonly access: HubAccess;
}

/**
 * @param server who is asked for the file
 * @throws (on reading) RemoteError when the server cannot be reached, ignores ranges, sends more or another version; FormatError when it
 *   sends less
 */
export function urlSource(server: Server, access: HubAccess, remote: RemoteFile): RemoteSource {
  const { name, size, url, version } = remote;
  const fetchRange = (from: number, to: number): Promise<Uint8Array> => {
    const whole = from === 0 && to === size;
    const read = async (response: Response): Promise<Uint8Array> => {
      if (response.status !== 206 && !whole) {
        await response.body?.cancel();
        throw new RemoteError(
          `${name}: the server sends whole files only, no ranges; download it instead (leave out --stream).`,
        );
      }
      const bytes = new Uint8Array(to - from);
      return bytes.subarray(0, await fillFrom(response, bytes, { name, patience: access.patience }));
    };
    return request(server, url, read, { range: { from, to }, version });
  };
  return { ...rangedSource(name, size, fetchRange), remote, access };
}
