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
  const commit = (info as { sha?: unknown } | null)?.sha;
  if (typeof commit !== "string" || !/^[0-9a-f]{40}$/.test(commit)) {
    throw new HubError(`${hubName(path)}: the Hub gave no commit for revision ${revision}; try again later.`);
  }
  const folder = subfolder === "" ? "" : `/${subfolder.split("/").map(encodeURIComponent).join("/")}`;
  const files = new Map<string, HubFile>();
  const folders: string[] = [];
  let next: string | null = `${model}/tree/${commit}${folder}`;
  while (next !== null) {
    const response: Response = await request(access, path, next);
    const entries = await parsed(path, response);
    if (!Array.isArray(entries)) throw nonsense(path);
    for (const entry of entries as TreeEntry[]) {
      const name = checkedName(path, entry);
      if (entry.type === "directory") folders.push(name);
      else if (entry.type === "file") files.set(name, checkedFile(path, entry));
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

/** The name of an entry, which must lie in the folder that was listed: paths become files of the cache. */
function checkedName(path: HubPath, entry: TreeEntry): string {
  const prefix = path.subfolder === "" ? "" : `${path.subfolder}/`;
  const name = typeof entry?.path === "string" && entry.path.startsWith(prefix) ? entry.path.slice(prefix.length) : "";
  if (name === "" || name === "." || name === ".." || /[/\\\0]/.test(name)) throw nonsense(path);
  return name;
}

/** What a file is known by; its checksum becomes the name of a file of the cache. */
function checkedFile(hub: HubPath, { path, size, oid, lfs }: TreeEntry): HubFile {
  const file =
    lfs === undefined ? { path, size, etag: oid, large: false } : { path, size: lfs.size, etag: lfs.oid, large: true };
  const sound = /^[0-9a-f]+$/.test(file.etag) && file.etag.length === (file.large ? 64 : 40);
  if (sound && Number.isSafeInteger(file.size) && file.size >= 0) return file;
  throw nonsense(hub);
}

async function parsed(path: HubPath, response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    throw nonsense(path);
  }
}

function nonsense(path: HubPath): HubError {
  return new HubError(`${hubName(path)}: the Hub's answer makes no sense; check HF_ENDPOINT, or try again later.`);
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
  return parsed(path, await request(access, path, url));
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
  if (access.token !== null && new URL(url).origin === new URL(access.endpoint).origin)
    headers.Authorization = `Bearer ${access.token}`;
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
