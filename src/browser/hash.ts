import { type HandedFile, openHanded } from "./handed-files.ts";

/** Runs work while no other lane's runs. */
export type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** Browsers' own hash is the fastest, but takes whole arrays: what is larger is hashed in pieces. */
const MOST_WHOLE_BYTES = 1 << 27;
const PIECE_BYTES = 1 << 22;

/**
 * SHA-256 of a file's bytes, in hex. Whatever the file's size, at most 128 MB of it are in memory, by all lanes together.
 *
 * @param inTurn null where the browser has no hash of its own (pages of insecure origins)
 */
export async function sha256Of(name: string, file: HandedFile, inTurn: InTurn | null): Promise<string> {
  const { size } = openHanded(name, file);
  return inTurn !== null && size <= MOST_WHOLE_BYTES ? inTurn(() => hashWhole(name, file)) : hashPieces(name, file);
}

async function hashWhole(name: string, file: HandedFile): Promise<string> {
  const bytes = "blob" in file ? await file.blob.arrayBuffer() : (await allOf(name, file)).buffer;
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  // Gives the memory back at once instead of when the worker collects its garbage, which is after many files.
  (bytes as { transfer?(size: number): ArrayBuffer }).transfer?.(0);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function allOf(name: string, file: HandedFile): Promise<Uint8Array<ArrayBuffer>> {
  const source = openHanded(name, file);
  const bytes = new Uint8Array(source.size);
  await source.read(0, bytes);
  return bytes;
}

async function hashPieces(name: string, file: HandedFile): Promise<string> {
  const source = openHanded(name, file);
  const { createSHA256 } = await import("hash-wasm");
  const hash = await createSHA256();
  const piece = new Uint8Array(Math.min(PIECE_BYTES, source.size));
  for (let at = 0; at < source.size; at += PIECE_BYTES) {
    const bytes = piece.subarray(0, source.size - at);
    await source.read(at, bytes);
    hash.update(bytes);
  }
  return hash.digest();
}
