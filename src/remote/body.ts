import { RemoteError } from "../core/errors.ts";

/** A connection that delivers fewer bytes than this within `patience` counts as stalled. */
export const PROGRESS_BYTES: number = 16 << 10;
const PATIENCE_MS = 60_000;

/** How a body is read. */
export interface BodyBounds {
  /** The body's name in messages. */
  readonly name: string;
  /** The most bytes that may come; more are an error. */
  readonly most: number;
  /** Milliseconds to wait for each 16 kB, or for the end. Default a minute. */
  readonly patience?: number | undefined;
  /** Stops the reading with its reason. */
  readonly signal?: AbortSignal | null;
}

/** More bytes came than were listed or asked for; another try would give the same. */
export class LongBody extends RemoteError {}

/** The connection stalled; another try may get further. */
export class Stalled extends RemoteError {}

/** The error for a stalled connection. */
export function stalled(name: string, patience: number = PATIENCE_MS): Stalled {
  return new Stalled(
    `${name}: the server sent less than ${PROGRESS_BYTES} bytes in ${patience / 1000} s; check the connection, or try again later.`,
  );
}

/**
 * Call `end` after `patience` milliseconds.
 *
 * @returns a function that cancels the call
 */
export function waitFor(end: () => void, patience: number = PATIENCE_MS): () => void {
  const timer = setTimeout(end, patience);
  return () => clearTimeout(timer);
}

/**
 * The chunks of an answer's body; throws when it is longer than it should be, or stalls. The time that the caller takes for a chunk does
 * not count.
 *
 * @throws LongBody, Stalled, the signal's reason, or fetch's own error when the connection breaks
 */
export async function* bodyChunks(
  response: Response,
  { name, most, patience, signal = null }: BodyBounds,
): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  let total = 0;
  let fresh = 0;
  let left = patience ?? PATIENCE_MS;
  let expired = false;
  // Ends the pending read.
  const cancel = (): void => void reader.cancel().catch(() => {});
  signal?.addEventListener("abort", cancel);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const began = performance.now();
      const callOff = waitFor(() => {
        expired = true;
        cancel();
      }, left);
      const { done, value } = await reader.read().finally(callOff);
      signal?.throwIfAborted();
      if (expired) throw stalled(name, patience);
      if (done) return;
      total += value.length;
      fresh += value.length;
      left -= performance.now() - began;
      if (total > most) {
        throw new LongBody(
          `${name}: the server sends more than the ${most} bytes that it should; check HF_ENDPOINT if it is set, or try again later.`,
        );
      }
      if (fresh >= PROGRESS_BYTES) [fresh, left] = [0, patience ?? PATIENCE_MS];
      yield value;
    }
  } finally {
    signal?.removeEventListener("abort", cancel);
    await reader.cancel().catch(() => {});
  }
}

/** Read a body into an array. @returns how many bytes came, at most the array's length @throws as `bodyChunks` */
export async function fillFrom(
  response: Response,
  into: Uint8Array,
  bounds: Omit<BodyBounds, "most">,
): Promise<number> {
  let filled = 0;
  for await (const chunk of bodyChunks(response, { ...bounds, most: into.length })) {
    into.set(chunk, filled);
    filled += chunk.length;
  }
  return filled;
}

/** The body as text (UTF-8). @throws as `bodyChunks` */
export async function bodyText(response: Response, bounds: BodyBounds): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of bodyChunks(response, bounds)) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}
