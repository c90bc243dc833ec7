import { UsageError } from "../../core/errors.ts";

/** An adapter on the Hugging Face Hub: hf://owner/name[@revision][/subfolder]. */
export interface HubPath {
  /** owner/name */
  readonly repo: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
  /** Folder of the repository that holds the adapter; empty for its root. */
  readonly subfolder: string;
}

const SCHEME = "hf://";
const NAME = /^[A-Za-z0-9][\w.-]*$/;
/** Slashes in branch names are written as %2F, since a slash begins the subfolder. */
const REVISION = /^[\w.%-]+$/;
/** Scheme and host of the addresses of its pages. */
const PAGE = /^https?:\/\/(?:www\.)?(?:huggingface\.co|hf\.co)(?=\/|$)/;
const COMMIT = /^[0-9a-f]{40}$/;

/** Whether a path names an adapter on the Hub. */
export function isHubPath(path: string): boolean {
  return path.startsWith(SCHEME);
}

/** @throws UsageError if it is not such a path */
export function parseHubPath(path: string): HubPath {
  const found = hubPathOf(path);
  if (found !== null) return found;
  throw new UsageError(
    `${path} is not a Hub path; write hf://owner/name, followed by @revision and /subfolder if needed.`,
  );
}

/** The repository that owner/name names, or the same as a path on the Hub. @throws UsageError for what is no repository alone */
export function parseRepository(text: string): string {
  const found = hubPathOf(isHubPath(text) ? text : `${SCHEME}${text}`);
  if (found !== null && found.subfolder === "" && !text.includes("@")) return found.repo;
  throw new UsageError(`${text} is not the name of a repository on the Hub; write owner/name.`);
}

/** Whether an address is that of a page of the Hub. */
export function isHubPage(address: string): boolean {
  return PAGE.test(address);
}

/** The path on the Hub that the address of one of its pages shows; null for other addresses. */
export function pathOfAddress(address: string): string | null {
  const [, repo, view] = /^\/([\w.-]+\/[\w.-]+)(\/[^?#]*)?/.exec(address.replace(PAGE, "")) ?? [];
  if (repo === undefined || hubPathOf(`${SCHEME}${repo}`) === null) return null;
  const [, kind, revision = "main", inside = ""] = /^\/(tree|blob|resolve)\/([^/]+)(.*)$/.exec(view ?? "") ?? [];
  // A tree is a folder, whatever its name; the others are files.
  const folder = (kind === "tree" ? inside : inside.replace(/\/[^/]*$/, "")).replace(/\/+$/, "");
  return `${SCHEME}${repo}${revision === "main" ? "" : `@${revision}`}${folder}`;
}

function hubPathOf(path: string): HubPath | null {
  const [owner = "", rest = "", ...folders] = path.slice(SCHEME.length).replace(/\/+$/, "").split("/");
  const [name = "", revision = "main", ...more] = rest.split("@");
  const good =
    NAME.test(owner) &&
    NAME.test(name) &&
    REVISION.test(revision) &&
    more.length === 0 &&
    soundParts(revision) &&
    folders.every((folder) => folder !== "" && folder !== "." && folder !== "..");
  return !good
    ? null
    : { repo: `${owner}/${name}`, revision: decodeURIComponent(revision), subfolder: folders.join("/") };
}

/** Whether each part of a revision is a safe name, because it becomes a path in the cache. */
function soundParts(revision: string): boolean {
  try {
    return decodeURIComponent(revision)
      .split("/")
      .every((part) => /^[\w-][\w.-]*$/.test(part));
  } catch {
    return false;
  }
}

/** The path pinned to a commit, whose content never changes. */
export function pinnedHubPath({ repo, subfolder }: HubPath, commit: string): string {
  return `${SCHEME}${repo}@${commit}${subfolder === "" ? "" : `/${subfolder}`}`;
}

/** Its name in messages, cards and reports. */
export function hubName({ repo, subfolder }: HubPath): string {
  return subfolder === "" ? repo : `${repo}/${subfolder}`;
}

/** Whether a revision is a commit, which never changes. */
export function isCommit(revision: string): boolean {
  return COMMIT.test(revision);
}
