import type { ByteSource } from "../core/bytes.ts";

/** The most bytes of tensors that are held at once. */
export const MAX_HELD_BYTES: number = 128 * 2 ** 20;

/** A tensor in memory. */
interface Held {
  readonly source: WeakRef<ByteSource>;
  readonly begin: number;
  readonly size: number;
}

const bytesOfSource = new WeakMap<ByteSource, Map<number, Promise<Uint8Array>>>();
/** The least recently used first. */
let held: Held[] = [];

/**
 * The bytes of a tensor, read once for all the modules whose elements lie among each other in it. Those that were used last are held, up
 * to `MAX_HELD_BYTES` over all sources.
 *
 * @returns null for a tensor that is larger than that
 */
export function heldTensor(source: ByteSource, begin: number, end: number): Promise<Uint8Array> | null {
  const size = end - begin;
  if (size > MAX_HELD_BYTES) return null;
  const own = bytesOfSource.get(source) ?? new Map<number, Promise<Uint8Array>>();
  bytesOfSource.set(source, own);
  const known = own.get(begin);
  const found = known ?? readWhole(source, begin, size);
  // A source may fail once, as the Hub does.
  if (known === undefined) found.catch(() => own.delete(begin));
  own.set(begin, found);
  held = held.filter((one) => one.source.deref() !== source || one.begin !== begin);
  held.push({ source: new WeakRef(source), begin, size });
  drop();
  return found;
}

async function readWhole(source: ByteSource, begin: number, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  await source.read(begin, bytes);
  return bytes;
}

/** Forget tensors of sources that are gone, and the oldest until the others fit. */
function drop(): void {
  held = held.filter(({ source }) => source.deref() !== undefined);
  let total = held.reduce((sum, { size }) => sum + size, 0);
  while (total > MAX_HELD_BYTES) {
    const { source, begin, size } = held.shift()!;
    bytesOfSource.get(source.deref()!)?.delete(begin);
    total -= size;
  }
}
