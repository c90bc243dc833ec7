import { LoraLegoError, RemoteError } from "../core/errors.ts";
import { Stalled, stalled, waitFor } from "./body.ts";
import { conditions, type FileVersion, isSameVersion, versionOf } from "./file-version.ts";

/** How often a request is tried in all, and the pause before the second try, which doubles each time. */
export const TRIES = 4;
const FIRST_PAUSE_MS = 500;
const MOST_PAUSE_MS = 10_000;
/** The answer to a condition on a version that is there no more. */
const PRECONDITION_FAILED = 412;

/** How requests are made. */
export interface ServerAccess {
  /** Makes the requests. */
  readonly fetch: typeof fetch;
  /** Milliseconds before the second try. Default 500. */
  readonly pause?: number;
  /** Milliseconds after which a connection that delivers next to nothing counts as broken. Default a minute. */
  readonly patience?: number;
}

/** Who is asked for an adapter's files: how, and what messages say. */
export interface Server extends ServerAccess {
  /** What messages call what is asked for. */
  readonly name: string;
  /** What messages call the server, with its article. */
  readonly title: string;
  /** Where messages say that it is. */
  readonly origin: string;
  /** The headers that a request for a URL carries. */
  headersFor(url: string): Record<string, string>;
  /** The error for a request that it refuses. */
  refusal(response: Response): Error;
}

/** Options of one request. */
export interface Asking {
  /** The first byte wanted and, with `to`, the byte after the last. Default the whole file. */
  readonly range?: { readonly from: number; readonly to?: number } | null;
  /** The version that the answer must be of; what changed meanwhile is refused. Default any. */
  readonly version?: FileVersion | null;
  /** Stops the wait for an answer; while the body is read, the reader must watch it. */
  readonly signal?: AbortSignal | null;
}

/**
 * Ask a server for something and read it. It tries again when the server is busy, or the connection breaks or stalls.
 *
 * @param read what to do with an answer; errors that it throws lead to another try unless they are a LoraLegoError
 * @throws RemoteError in one sentence with what to do
 */
export async function request<T>(
  server: Server,
  url: string,
  read: (response: Response) => Promise<T>,
  { range = null, version = null, signal = null }: Asking = {},
): Promise<T> {
  const headers = { ...server.headersFor(url), ...(version !== null && conditions(version)) };
  if (range !== null) headers.Range = `bytes=${range.from}-${range.to === undefined ? "" : range.to - 1}`;
  let failure: RemoteError | null = null;
  for (let attempt = 0, pause = server.pause ?? FIRST_PAUSE_MS; attempt < TRIES; attempt++, pause *= 2) {
    if (attempt > 0) await sleep(pause, signal);
    signal?.throwIfAborted();
    try {
      const response = await answered(server, url, headers, signal);
      if (response.ok) {
        checkRange(server, response, range);
        checkVersion(server, response, version);
        return await read(response);
      }
      await response.body?.cancel();
      if (response.status === PRECONDITION_FAILED) throw changed(server);
      if (response.status !== 429 && response.status < 500) throw server.refusal(response);
      failure = busy(server, response);
      const after = Number(response.headers.get("Retry-After"));
      if (after > 0) pause = Math.min(after * 1000, MOST_PAUSE_MS) / 2;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof LoraLegoError && !(error instanceof Stalled)) throw error;
      failure = error instanceof Stalled ? error : unreachable(server, error);
      if (failure instanceof NotTrusted) break;
    }
  }
  throw failure!;
}

/** The answer to one try, once its headers have come. @throws Stalled when they do not come */
async function answered(
  { fetch, patience, name }: Server,
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal | null,
): Promise<Response> {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  signal?.addEventListener("abort", end);
  let expired = false;
  const callOff = waitFor(() => {
    expired = true;
    end();
  }, patience);
  try {
    return await fetch(url, { headers, signal: ending.signal });
  } catch (error) {
    throw expired ? stalled(name, patience) : error;
  } finally {
    callOff();
    signal?.removeEventListener("abort", end);
  }
}

/** Check that the answer is the range that was asked for; browsers do not always reveal its range. */
function checkRange({ name }: Server, response: Response, range: Asking["range"]): void {
  const sent = response.headers.get("Content-Range");
  if (!range || response.status !== 206 || sent === null) return;
  const [, from, last] = /^bytes (\d+)-(\d+)\//.exec(sent) ?? [];
  if (Number(from) === range.from && (range.to === undefined || Number(last) < range.to)) return;
  void response.body?.cancel();
  throw new RemoteError(
    `${name}: the server sent ${sent.slice(0, 60)}, but bytes from ${range.from} on were asked for; check HF_ENDPOINT if it is set, or try again later.`,
  );
}

function checkVersion(server: Server, response: Response, version: FileVersion | null): void {
  if (version === null || isSameVersion(version, versionOf(response))) return;
  void response.body?.cancel();
  throw changed(server);
}

function changed({ name }: Server): RemoteError {
  return new RemoteError(
    `${name} changed on the server while it was read, and parts of two versions are never mixed; start the command again.`,
  );
}

function busy({ name, title }: Server, { status }: Response): RemoteError {
  const why = status === 429 ? "too many requests" : `an error in ${title}`;
  return new RemoteError(`${name}: ${title} answers with status ${status} (${why}); try again later.`);
}

/** The server cannot prove who it is; another try would end the same way. */
class NotTrusted extends RemoteError {}

/** How the codes of errors about certificates look, such as CERT_HAS_EXPIRED and DEPTH_ZERO_SELF_SIGNED_CERT. */
const OF_CERTIFICATES = /CERT|^UNABLE_TO_/;

function unreachable({ name, origin }: Server, error: unknown): RemoteError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? ((cause as { code?: string }).code ?? cause.message) : String(cause);
  if (OF_CERTIFICATES.test(why)) {
    return new NotTrusted(
      `${name}: the certificate of ${origin} is not accepted (${why}); set NODE_EXTRA_CA_CERTS to its authority's file if you trust that, or check the address.`,
    );
  }
  return new RemoteError(
    `${name}: ${origin} cannot be reached (${why}); check the connection, or pass a folder on this machine.`,
  );
}

function sleep(ms: number, signal: AbortSignal | null): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done);
    if (signal?.aborted) done();
  });
}
