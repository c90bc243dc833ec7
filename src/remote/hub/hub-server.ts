import { RemoteError, UsageError } from "../../core/errors.ts";
import type { Server, ServerAccess } from "../request.ts";
import { type HubPath, hubName } from "./hub-path.ts";

/** How to reach the Hub. */
export interface HubAccess extends ServerAccess {
  /** Such as https://huggingface.co, without a slash at the end. */
  readonly endpoint: string;
  readonly token: string | null;
}

/** The Hub, asked for the files of a path. */
export function hubServer(access: HubAccess, path: HubPath): Server {
  const { endpoint, token } = access;
  return {
    ...access,
    name: hubName(path),
    title: "the Hub",
    origin: endpoint,
    // The token must not reach the hosts that the Hub redirects large downloads to; fetch drops it when a redirect leaves the origin.
    headersFor: (url) =>
      token !== null && new URL(url).origin === new URL(endpoint).origin ? { Authorization: `Bearer ${token}` } : {},
    refusal: (response) => refusal(access, path, response),
  };
}

function refusal({ endpoint, token }: HubAccess, path: HubPath, response: Response): Error {
  const name = hubName(path);
  const code = response.headers.get("X-Error-Code");
  const page = `${endpoint}/${path.repo}`;
  if (code === "GatedRepo") {
    return new RemoteError(
      `${name} is gated: accept its terms on ${page}, and set HF_TOKEN to a token of that account.`,
    );
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
    return new RemoteError(
      token === null
        ? `${name}: there is no such public model on ${endpoint}; check its name, or set HF_TOKEN if it is private.`
        : `${name}: there is no such model that this HF_TOKEN may read on ${endpoint} (status ${response.status}); check its name and the token.`,
    );
  }
  return new RemoteError(
    `${name}: the Hub refuses ${new URL(response.url || page).pathname} with status ${response.status}; check the path.`,
  );
}
