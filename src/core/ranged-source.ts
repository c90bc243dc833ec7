import { type ByteSource, endsEarly } from "./bytes.ts";

/** Small reads fetch this much, so that headers and neighbouring scalars come in one request. */
const WINDOW_BYTES = 1 << 18;

/**
 * A ByteSource over ranges that are fetched on demand.
 *
 * @param fetchRange fetches the bytes from one offset up to another
 */
export function rangedSource(
  name: string,
  size: number,
  fetchRange: (from: number, to: number) => Promise<Uint8Array>,
): ByteSource {
  let held: { readonly begin: number; readonly bytes: Uint8Array } | null = null;
  const exact = async (from: number, to: number): Promise<Uint8Array> => {
    const bytes = await fetchRange(from, to);
    if (bytes.length !== to - from) throw endsEarly({ name, size }, from, to - from);
    return bytes;
  };
  return {
    name,
    size,
    async read(offset, into) {
      const end = offset + into.byteLength;
      if (offset < 0 || end > size) throw endsEarly({ name, size }, offset, into.byteLength);
      if (into.byteLength >= WINDOW_BYTES) {
        into.set(await exact(offset, end));
        return;
      }
      if (held === null || offset < held.begin || end > held.begin + held.bytes.length) {
        held = { begin: offset, bytes: await exact(offset, Math.min(size, offset + WINDOW_BYTES)) };
      }
      into.set(held.bytes.subarray(offset - held.begin, end - held.begin));
    },
  };
}
