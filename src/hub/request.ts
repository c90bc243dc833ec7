import { HubError, LoraLegoError, UsageError } from "../core/errors.ts";
import { Stalled, stalled, waitFor } from "./body.ts";
import { type HubPath, hubName } from "./hub-path.ts";

/** How often a request is tried in all, and the pause before the second try, which doubles each time. */
export const TRIES = 4;
const FIRST_PAUSE_MS = 500;
const MOST_PAUSE_MS = 10_000;

/** How to reach the Hub. */
export interface HubAccess {
  /** Such as https://huggingface.co, without a slash at the end. */
  readonly endpoint: string;
  readonly token: string | null;
  /** Makes the requests. */
  readonly fetch: typeof fetch;
  /** Milliseconds before the second try. Default 500. */
  readonly pause?: number;
  /** Milliseconds after which a connection that delivers next to nothing counts as broken. Default a minute. */
  readonly patience?: number;
}

/** Options of one request. */
export interface Asking {
  /** The first byte wanted and, with `to`, the byte after the last. Default the whole file. */
  readonly range?: { readonly from: number; readonly to?: number } | null;
  /** Stops the wait for an answer; while the body is read, the reader must watch it. */
  readonly signal?: AbortSignal | null;
}

/**
 * Fetch something from a repository and read it. It tries again when the Hub is busy, or the connection breaks or stalls.
 *
 * @param read what to do with an answer; errors that it throws lead to another try unless they are a LoraLegoError
 * @throws HubError in one sentence with what to do
 */
export async function request<T>(
  access: HubAccess,
  path: HubPath,
  url: string,
  read: (response: Response) => Promise<T>,
  { range = null, signal = null }: Asking = {},
): Promise<T> {
  const headers: Record<string, string> = {};
  // The token must not reach the hosts that the Hub redirects large downloads to; fetch drops it when a redirect leaves the origin.
  if (access.token !== null && new URL(url).origin === new URL(access.endpoint).origin)
    headers.Authorization = `Bearer ${access.token}`;
  if (range !== null) headers.Range = `bytes=${range.from}-${range.to === undefined ? "" : range.to - 1}`;
  let failure: HubError | null = null;
  for (let attempt = 0, pause = access.pause ?? FIRST_PAUSE_MS; attempt < TRIES; attempt++, pause *= 2) {
    if (attempt > 0) await sleep(pause, signal);
    signal?.throwIfAborted();
    try {
      const response = await answered(access, path, url, headers, signal);
      if (response.ok) {
        checkRange(path, response, range);
        return await read(response);
      }
      await response.body?.cancel();
      if (response.status !== 429 && response.status < 500) throw refusal(access, path, response);
      failure = busy(path, response);
      const after = Number(response.headers.get("Retry-After"));
      if (after > 0) pause = Math.min(after * 1000, MOST_PAUSE_MS) / 2;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof LoraLegoError && !(error instanceof Stalled)) throw error;
      failure = error instanceof Stalled ? error : unreachable(access, path, error);
    }
  }
  throw failure!;
}

/** The answer to one try, once its headers have come. @throws Stalled when they do not come */
async function answered(
  { fetch, patience }: HubAccess,
  path: HubPath,
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
    throw expired ? stalled(hubName(path), patience) : error;
  } finally {
    callOff();
    signal?.removeEventListener("abort", end);
  }
}

/** Check that the answer is the range that was asked for; browsers do not always reveal its range. */
function checkRange(path: HubPath, response: Response, range: Asking["range"]): void {
  const sent = response.headers.get("Content-Range");
  if (!range || response.status !== 206 || sent === null) return;
  const [, from, last] = /^bytes (\d+)-(\d+)\//.exec(sent) ?? [];
  if (Number(from) === range.from && (range.to === undefined || Number(last) < range.to)) return;
  void response.body?.cancel();
  throw new HubError(
    `${hubName(path)}: the server sent ${sent.slice(0, 60)}, but bytes from ${range.from} on were asked for; check HF_ENDPOINT, or try again later.`,
  );
}

function busy(path: HubPath, { status }: Response): HubError {
  const why = status === 429 ? "too many requests" : "an error in the Hub";
  return new HubError(`${hubName(path)}: the Hub answers with status ${status} (${why}); try again later.`);
}

function unreachable({ endpoint }: HubAccess, path: HubPath, error: unknown): HubError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? ((cause as { code?: string }).code ?? cause.message) : String(cause);
  return new HubError(
    `${hubName(path)}: ${endpoint} cannot be reached (${why}); check the connection, or pass a folder on this machine.`,
  );
}

function refusal({ endpoint, token }: HubAccess, path: HubPath, response: Response): Error {
  const name = hubName(path);
  const code = response.headers.get("X-Error-Code");
  const page = `${endpoint}/${path.repo}`;
  if (code === "GatedRepo") {
    return new HubError(`${name} is gated: accept its terms on ${page}, and set HF_TOKEN to a token of that account.`);
  }
  if (code === "RevisionNotFound") {
    return new UsageError(`${name} has no revision ${path.revision}; see ${page}/tree/main for its branches.`);
  }
  if (code === "EntryNotFound") {
    return new UsageError(
      `${path.repo} has no folder ${path.subfolder} at ${path.revision}; see ${page}/tree/main for its folders.`,
    );
  }
  if (response.status === 401 || response.status === 403 || response.status === 404) {
    return new HubError(
      token === null
        ? `${name}: there is no such public model on ${endpoint}; check its name, or set HF_TOKEN if it is private.`
        : `${name}: there is no such model that this HF_TOKEN may read on ${endpoint} (status ${response.status}); check its name and the token.`,
    );
  }
  return new HubError(
    `${name}: the Hub refuses ${new URL(response.url || page).pathname} with status ${response.status}; check the path.`,
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
