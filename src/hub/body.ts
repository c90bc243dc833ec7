import { HubError } from "../core/errors.ts";

/** A connection that brings less than this while patience lasts brings nothing. */
export const PROGRESS_BYTES: number = 16 << 10;
const PATIENCE_MS = 60_000;

/** How a body is read. */
export interface BodyBounds {
  /** What messages call it. */
  readonly name: string;
  /** Bytes that may come; what comes behind them is an error. */
  readonly most: number;
  /** Milliseconds to wait for 16 kB, or for the end. Default a minute. */
  readonly patience?: number | undefined;
  /** Ends the reading, by its reason. */
  readonly signal?: AbortSignal | null;
}

/** More came than was listed or asked for; another try would bring the same. */
export class LongBody extends HubError {}

/** Nothing comes any more, or hardly anything; another try may bring more. */
export class Stalled extends HubError {}

/** The error of a connection that brings nothing. */
export function stalled(name: string, patience: number = PATIENCE_MS): Stalled {
  return new Stalled(
    `${name}: the server sent less than ${PROGRESS_BYTES} bytes in ${patience / 1000} s; check the connection, or try again later.`,
  );
}

/**
 * End something after the time that patience lasts.
 *
 * @returns what calls that off
 */
export function waitFor(end: () => void, patience: number = PATIENCE_MS): () => void {
  const timer = setTimeout(end, patience);
  return () => clearTimeout(timer);
}

/**
 * The chunks of an answer's body, which ends where it is longer than it should be, or where next to nothing comes. The time that the caller takes for
 * a chunk does not count.
 *
 * @throws LongBody, Stalled, the signal's reason, or fetch's own error where the connection breaks
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
  // Ends the read that is waited for.
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
          `${name}: the server sends more than the ${most} bytes that it should; check HF_ENDPOINT, or try again later.`,
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

/** @returns how many bytes came into the array, at most all of it @throws as `bodyChunks` */
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
