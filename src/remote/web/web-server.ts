import { RemoteError } from "../../core/errors.ts";
import type { Server, ServerAccess } from "../request.ts";
import { isBelow } from "./below.ts";

/** A web server as plain data: enough for any thread to ask it. */
export interface WebOrigin {
  /** Scheme, host and port. */
  readonly origin: string;
  /** User and password, as the header Authorization has them; null without. */
  readonly authorization: string | null;
  /** Addresses below which all requests must stay, those of redirects too; null for anywhere. */
  readonly within: readonly string[] | null;
}

/** The server does not give out what was asked for. */
export class NotServed extends RemoteError {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

const REDIRECTS = [301, 302, 303, 307, 308];
const MOST_REDIRECTS = 20;

/**
 * A web server, asked for one file.
 *
 * @param name what messages call the file
 */
export function webServer(access: ServerAccess, name: string, from: WebOrigin): Server {
  const { origin } = from;
  return {
    ...access,
    fetch: redirecting(access.fetch, name, from),
    name,
    title: new URL(origin).host,
    origin,
    // Bytes as they are stored: a compressed answer has another length, and no ranges.
    headersFor: () => ({ "Accept-Encoding": "identity" }),
    refusal: (response) => refusal(name, origin, response),
  };
}

/** A fetch that follows redirects itself: each is checked before anything is sent there, and other hosts get no user and password. */
function redirecting(
  fetchOnce: typeof fetch,
  name: string,
  { origin, authorization, within }: WebOrigin,
): typeof fetch {
  return async (asked, init) => {
    let url = String(asked);
    for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
      refuseOutside(name, url, within);
      const headers = new Headers(init?.headers);
      if (authorization !== null && new URL(url).origin === origin) headers.set("Authorization", authorization);
      const response = await fetchOnce(url, { ...init, headers, redirect: "manual" });
      const location = response.headers.get("Location");
      if (!REDIRECTS.includes(response.status) || location === null) return response;
      await response.body?.cancel();
      url = followed(name, url, location);
    }
    throw new RemoteError(`${name}: the server redirects in a circle; check the address in a browser.`);
  };
}

function followed(name: string, from: string, location: string): string {
  const url = URL.canParse(location, from) ? new URL(location, from) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return url.href;
  throw new RemoteError(
    `${name}: the server redirects to something that is not on the web (${url?.protocol ?? "no address"}); download the file and pass it.`,
  );
}

function refuseOutside(name: string, url: string, within: WebOrigin["within"]): void {
  if (within === null || within.some((root) => isBelow(url, root))) return;
  throw new RemoteError(
    `${name}: the server redirects to ${new URL(url).host}, out of ${within.join(" and ")}; start the worker with --root for that address too.`,
  );
}

function refusal(name: string, origin: string, { status }: Response): Error {
  const { host } = new URL(origin);
  if (status === 404 || status === 410) {
    return new NotServed(`${name}: ${host} has no such file (status ${status}); check the address.`, status);
  }
  if (status === 401 || status === 403) {
    return new NotServed(
      `${name}: ${host} does not give it to you (status ${status}); check that it is public, that a signature in the address holds for this file and has not expired, or its user and password.`,
      status,
    );
  }
  if (status === 416) {
    return new RemoteError(`${name}: the file is empty, or shorter than before (status 416); upload it again.`);
  }
  return new RemoteError(`${name}: ${host} refuses it with status ${status}; check the address.`);
}
