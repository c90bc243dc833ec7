import { HubError, UsageError } from "../core/errors.ts";
import { type HubPath, hubName } from "./hub-path.ts";

/** Tries of a request in all, and the pause before the second one, which doubles each time. */
const TRIES = 4;
const FIRST_PAUSE_MS = 500;
const MOST_PAUSE_MS = 10_000;

/** How to speak to the Hub. */
export interface HubAccess {
  /** As https://huggingface.co, without a slash at the end. */
  readonly endpoint: string;
  readonly token: string | null;
  readonly fetch: typeof fetch;
  /** Milliseconds before the second try. Default 500. */
  readonly pause?: number;
}

/** A file of a repository. */
export interface HubFile {
  /** Its path in the repository. */
  readonly path: string;
  readonly size: number;
  /** What the cache calls its content: SHA-256 of large files, git's SHA-1 of small ones. */
  readonly etag: string;
  readonly large: boolean;
}

/** The folder of a repository that a path names, at one commit. */
export interface HubListing {
  readonly commit: string;
  /** Files by their names in the folder. */
  readonly files: ReadonlyMap<string, HubFile>;
  readonly folders: readonly string[];
}

/**
 * Look up the commit and the files of a path.
 *
 * @throws HubError when the Hub cannot be reached, or does not give them
 */
export async function listHubFolder(access: HubAccess, path: HubPath): Promise<HubListing> {
  const { repo, revision, subfolder } = path;
  const model = `${access.endpoint}/api/models/${repo}`;
  const info = await json(access, path, `${model}/revision/${encodeURIComponent(revision)}`);
  const commit = (info as { sha?: unknown }).sha;
  if (typeof commit !== "string" || !/^[0-9a-f]{40}$/.test(commit)) {
    throw new HubError(`${hubName(path)}: the Hub gave no commit for revision ${revision}; try again later.`);
  }
  const folder = subfolder === "" ? "" : `/${subfolder.split("/").map(encodeURIComponent).join("/")}`;
  const files = new Map<string, HubFile>();
  const folders: string[] = [];
  let next: string | null = `${model}/tree/${commit}${folder}`;
  while (next !== null) {
    const response: Response = await request(access, path, next);
    for (const entry of (await response.json()) as TreeEntry[]) {
      const name = entry.path.split("/").at(-1)!;
      if (entry.type === "directory") folders.push(name);
      else if (entry.type === "file") files.set(name, fileOf(entry));
    }
    next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "")?.[1] ?? null;
  }
  return { commit, files, folders };
}

/** What the Hub's tree lists, as far as it is needed. */
interface TreeEntry {
  readonly type: string;
  readonly path: string;
  readonly size: number;
  readonly oid: string;
  readonly lfs?: { readonly oid: string; readonly size: number };
}

function fileOf({ path, size, oid, lfs }: TreeEntry): HubFile {
  return lfs === undefined
    ? { path, size, etag: oid, large: false }
    : { path, size: lfs.size, etag: lfs.oid, large: true };
}

/** Where a file's bytes are to be had. */
export function fileUrl(
  { endpoint }: Pick<HubAccess, "endpoint">,
  { repo }: HubPath,
  commit: string,
  file: HubFile,
): string {
  return `${endpoint}/${repo}/resolve/${commit}/${file.path.split("/").map(encodeURIComponent).join("/")}`;
}

async function json(access: HubAccess, path: HubPath, url: string): Promise<unknown> {
  return (await request(access, path, url)).json();
}

/**
 * Fetch something of a repository, trying again where the Hub is busy or the connection breaks.
 *
 * @param from first byte that is wanted; with `to`, the byte behind the last
 * @throws HubError in one sentence with what to do
 */
export async function request(
  access: HubAccess,
  path: HubPath,
  url: string,
  range: { readonly from: number; readonly to?: number } | null = null,
  signal: AbortSignal | null = null,
): Promise<Response> {
  const headers: Record<string, string> = {};
  // The token must not travel to the stores that the Hub sends large downloads to; fetch drops it where a redirect leaves the origin.
  if (access.token !== null && url.startsWith(access.endpoint)) headers.Authorization = `Bearer ${access.token}`;
  if (range !== null) headers.Range = `bytes=${range.from}-${range.to === undefined ? "" : range.to - 1}`;
  let failure: HubError | null = null;
  for (let attempt = 0, pause = access.pause ?? FIRST_PAUSE_MS; attempt < TRIES; attempt++, pause *= 2) {
    if (attempt > 0) await sleep(pause, signal);
    signal?.throwIfAborted();
    let response: Response;
    try {
      response = await access.fetch(url, { headers, ...(signal !== null && { signal }) });
    } catch (error) {
      signal?.throwIfAborted();
      failure = unreachable(access, path, error);
      continue;
    }
    if (response.ok) return response;
    await response.body?.cancel();
    if (response.status !== 429 && response.status < 500) throw refusal(access, path, response);
    failure = new HubError(
      `${hubName(path)}: the Hub answers with status ${response.status} (${response.status === 429 ? "too many requests" : "an error of its own"}); try again later.`,
    );
    const after = Number(response.headers.get("Retry-After"));
    if (after > 0) pause = Math.min(after * 1000, MOST_PAUSE_MS) / 2;
  }
  throw failure!;
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
    return new UsageError(`${name} has no revision ${path.revision}; look at ${page}/tree/main for its branches.`);
  }
  if (code === "EntryNotFound") {
    return new UsageError(
      `${path.repo} has no folder ${path.subfolder} at ${path.revision}; look at ${page}/tree/main.`,
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
  });
}
