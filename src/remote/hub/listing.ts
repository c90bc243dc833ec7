import { RemoteError } from "../../core/errors.ts";
import { bodyText } from "../body.ts";
import { request } from "../request.ts";
import { type HubPath, hubName } from "./hub-path.ts";
import { type HubAccess, hubServer } from "./hub-server.ts";

/** A page of a listing has a thousand entries of about 300 bytes each; the answer about a repository names each of its files. */
const MAX_ANSWERS_BYTES: number = 32 << 20;
const MAX_PAGES = 200;

/** A file of a repository. */
export interface HubFile {
  /** Its path in the repository. */
  readonly path: string;
  readonly size: number;
  /** Its name in the cache: SHA-256 for large files, git's SHA-1 for small ones. */
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
 * @throws RemoteError when the Hub cannot be reached, does not give them, or lists too many
 */
export async function listHubFolder(access: HubAccess, path: HubPath): Promise<HubListing> {
  const { repo, revision, subfolder } = path;
  const model = `${access.endpoint}/api/models/${repo}`;
  const answers = new Answers(access, path);
  const { value } = await answers.next(`${model}/revision/${encodeURIComponent(revision)}`);
  const commit = (value as { sha?: unknown } | null)?.sha;
  if (typeof commit !== "string" || !/^[0-9a-f]{40}$/.test(commit)) {
    throw new RemoteError(`${hubName(path)}: the Hub gave no commit for revision ${revision}; try again later.`);
  }
  const folder = subfolder === "" ? "" : `/${subfolder.split("/").map(encodeURIComponent).join("/")}`;
  const files = new Map<string, HubFile>();
  const folders: string[] = [];
  let next: string | null = `${model}/tree/${commit}${folder}`;
  while (next !== null) {
    const page: Answer = await answers.next(next);
    if (!Array.isArray(page.value)) throw nonsense(path);
    for (const entry of page.value as TreeEntry[]) {
      const name = checkedName(path, entry);
      if (entry.type === "directory") folders.push(name);
      else if (entry.type === "file") files.set(name, checkedFile(path, entry));
    }
    next = page.next;
  }
  return { commit, files, folders };
}

/** An answer in JSON, and the address of the listing's next page. */
interface Answer {
  readonly value: unknown;
  readonly next: string | null;
}

/** Answers of one Hub about one path, bounded in number and total length. */
class Answers {
  readonly #access: HubAccess;
  readonly #path: HubPath;
  #bytesLeft = MAX_ANSWERS_BYTES;
  #pagesLeft = MAX_PAGES;

  constructor(access: HubAccess, path: HubPath) {
    this.#access = access;
    this.#path = path;
  }

  async next(url: string): Promise<Answer> {
    if (this.#pagesLeft-- === 0) {
      throw new RemoteError(
        `${hubName(this.#path)}: the Hub's listing has more than ${MAX_PAGES} pages; check HF_ENDPOINT, or name a folder with fewer files.`,
      );
    }
    const { patience } = this.#access;
    const bounds = { name: `${hubName(this.#path)} (the listing of its files)`, most: this.#bytesLeft, patience };
    return request(hubServer(this.#access, this.#path), url, async (response) => {
      const text = await bodyText(response, bounds);
      this.#bytesLeft -= text.length;
      return { value: this.#parsed(text), next: this.#following(response, url) };
    });
  }

  #parsed(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      throw nonsense(this.#path);
    }
  }

  /** The address of the next page, which may be relative; other hosts are refused. */
  #following(response: Response, asked: string): string | null {
    const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get("Link") ?? "")?.[1];
    if (link === undefined) return null;
    const base = response.url || asked;
    if (!URL.canParse(link, base)) throw nonsense(this.#path);
    const url = new URL(link, base);
    if (url.origin !== new URL(this.#access.endpoint).origin) {
      throw new RemoteError(
        `${hubName(this.#path)}: the Hub's listing continues on another host, ${url.host}; check HF_ENDPOINT.`,
      );
    }
    return url.href;
  }
}

/** The fields of an entry in the Hub's listing that are used. */
interface TreeEntry {
  readonly type: string;
  readonly path: string;
  readonly size: number;
  readonly oid: string;
  readonly lfs?: { readonly oid: string; readonly size: number };
}

/** The name of an entry, which must be directly in the listed folder, because paths become files in the cache. */
function checkedName(path: HubPath, entry: TreeEntry): string {
  const prefix = path.subfolder === "" ? "" : `${path.subfolder}/`;
  const name = typeof entry?.path === "string" && entry.path.startsWith(prefix) ? entry.path.slice(prefix.length) : "";
  if (name === "" || name === "." || name === ".." || /[/\\\0]/.test(name)) throw nonsense(path);
  return name;
}

/** A file's path, size and checksum; the checksum becomes a file name in the cache, so it must be valid. */
function checkedFile(hub: HubPath, { path, size, oid, lfs }: TreeEntry): HubFile {
  const file =
    lfs === undefined ? { path, size, etag: oid, large: false } : { path, size: lfs.size, etag: lfs.oid, large: true };
  const sound = /^[0-9a-f]+$/.test(file.etag) && file.etag.length === (file.large ? 64 : 40);
  if (sound && Number.isSafeInteger(file.size) && file.size >= 0) return file;
  throw nonsense(hub);
}

function nonsense(path: HubPath): RemoteError {
  return new RemoteError(`${hubName(path)}: the Hub's answer makes no sense; check HF_ENDPOINT, or try again later.`);
}

/** The URL of a file's bytes. */
export function fileUrl(
  { endpoint }: Pick<HubAccess, "endpoint">,
  { repo }: HubPath,
  commit: string,
  file: HubFile,
): string {
  return `${endpoint}/${repo}/resolve/${commit}/${file.path.split("/").map(encodeURIComponent).join("/")}`;
}
