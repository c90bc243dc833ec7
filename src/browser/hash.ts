import { type HandedFile, openHanded } from "./handed-files.ts";

/** A hash that is fed piece by piece. */
export interface RunningHash {
  update(bytes: Uint8Array): unknown;
  digest(): string;
}

/** How a page hashes. */
export interface Hashing {
  /** SHA-256 in pieces, from a library: browsers have none. */
  readonly begin: () => Promise<RunningHash>;
  /** Runs work while no other lane does; null if the browser offers no hash (pages from insecure origins). */
  readonly inTurn: (<Result>(work: () => Promise<Result>) => Promise<Result>) | null;
}

/** The browser's own hash is the fastest, but takes whole arrays; larger files are hashed in pieces. */
const MOST_WHOLE_BYTES = 1 << 27;
const PIECE_BYTES = 1 << 22;

/**
 * SHA-256 of the files' concatenated bytes, in hex. All lanes together keep at most 128 MB of them in memory, twice while the browser
 * hashes them.
 *
 * @param name the files' name in messages
 */
export async function sha256Of(name: string, files: readonly HandedFile[], hashing: Hashing): Promise<string> {
  const { begin, inTurn } = hashing;
  const [first] = files;
  const whole = inTurn !== null && files.length === 1 && openHanded(name, first!).size <= MOST_WHOLE_BYTES;
  if (whole) return inTurn(() => hashWhole(name, first!));
  const hash = await begin();
  for (const file of files) await addPieces(name, file, hash);
  return hash.digest();
}

async function hashWhole(name: string, file: HandedFile): Promise<string> {
  const bytes = "blob" in file ? await file.blob.arrayBuffer() : (await allOf(name, file)).buffer;
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  // Frees the memory at once; the worker's garbage collector would wait until after many files.
  (bytes as { transfer?(size: number): ArrayBuffer }).transfer?.(0);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function allOf(name: string, file: HandedFile): Promise<Uint8Array<ArrayBuffer>> {
  const source = openHanded(name, file);
  const bytes = new Uint8Array(source.size);
  await source.read(0, bytes);
  return bytes;
}

async function addPieces(name: string, file: HandedFile, hash: RunningHash): Promise<void> {
  const source = openHanded(name, file);
  const piece = new Uint8Array(Math.min(PIECE_BYTES, source.size));
  for (let at = 0; at < source.size; at += PIECE_BYTES) {
    const bytes = piece.subarray(0, source.size - at);
    await source.read(at, bytes);
    hash.update(bytes);
  }
}
