import type { ByteSource } from "../core/bytes.ts";
import { endsEarly } from "../core/bytes.ts";
import { HubError } from "../core/errors.ts";
import { type HubAccess, request } from "./hub-client.ts";
import type { HubPath } from "./hub-path.ts";

/** Small reads fetch this much, so that headers and the scalars beside each other come in one request. */
const WINDOW_BYTES = 1 << 18;

/** A file on the Hub as plain data: enough for any thread to read ranges of it. */
export interface RemoteFile {
  readonly name: string;
  readonly url: string;
  readonly size: number;
  readonly path: HubPath;
  /** Of its content, where the Hub knows it. */
  readonly sha256: string | null;
}

/** A ByteSource that reads ranges of a file on the Hub as they are asked for. */
export interface RemoteSource extends ByteSource {
  readonly remote: RemoteFile;
  readonly access: HubAccess;
}

/** @throws (on reading) HubError when the Hub cannot be reached or ignores ranges */
export function urlSource(access: HubAccess, remote: RemoteFile): RemoteSource {
  const { name, size, url, path } = remote;
  let held: { readonly begin: number; readonly bytes: Uint8Array } | null = null;
  const fetchRange = async (from: number, to: number): Promise<Uint8Array> => {
    const response = await request(access, path, url, { from, to });
    const whole = from === 0 && to === size;
    if (response.status !== 206 && !whole) {
      await response.body?.cancel();
      throw new HubError(
        `${name}: the server sends whole files only, no ranges; download it instead (leave out --stream).`,
      );
    }
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (bytes.length !== to - from) throw endsEarly({ name, size }, from, to - from);
    return bytes;
  };
  return {
    name,
    size,
    remote,
    access,
    async read(offset, into) {
      const end = offset + into.byteLength;
      if (offset < 0 || end > size) throw endsEarly({ name, size }, offset, into.byteLength);
      if (into.byteLength >= WINDOW_BYTES) {
        into.set(await fetchRange(offset, end));
        return;
      }
      if (held === null || offset < held.begin || end > held.begin + held.bytes.length) {
        held = { begin: offset, bytes: await fetchRange(offset, Math.min(size, offset + WINDOW_BYTES)) };
      }
      into.set(held.bytes.subarray(offset - held.begin, end - held.begin));
    },
  };
}
