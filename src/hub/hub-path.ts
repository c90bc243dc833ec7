import { UsageError } from "../core/errors.ts";

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
const COMMIT = /^[0-9a-f]{40}$/;

/** Whether a path names an adapter on the Hub. */
export function isHubPath(path: string): boolean {
  return path.startsWith(SCHEME);
}

/** @throws UsageError if it is not such a path */
export function parseHubPath(path: string): HubPath {
  const [owner = "", rest = "", ...folders] = path.slice(SCHEME.length).replace(/\/+$/, "").split("/");
  const [name = "", revision = "main", ...more] = rest.split("@");
  const good =
    NAME.test(owner) &&
    NAME.test(name) &&
    REVISION.test(revision) &&
    more.length === 0 &&
    soundParts(revision) &&
    folders.every((folder) => folder !== "" && folder !== "." && folder !== "..");
  if (!good) {
    throw new UsageError(
      `${path} is not a Hub path; write hf://owner/name, followed by @revision and /subfolder if needed.`,
    );
  }
  return { repo: `${owner}/${name}`, revision: decodeURIComponent(revision), subfolder: folders.join("/") };
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
