import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isOwnPeer } from "./own-peer.ts";

export const HOST = "127.0.0.1";
const PARAMETER = "token";
/** Sec-Fetch-Site values for requests from the page itself or the user; other sites, and pages on other ports here, send others. */
const OWN_SITES = ["same-origin", "none"];

/** What happens to a request: it is answered (null), refused, or redirected with the cookie set. */
export type Verdict =
  | null
  | { readonly status: number; readonly why: string }
  | { readonly location: string; readonly cookie: string };

/**
 * Answers only requests that know the token of this start. Other sites are kept out (by Origin, Sec-Fetch-Site, and Host against DNS names
 * that point here), and so are other programs and users of this machine, which can also reach the port.
 */
export class Guard {
  readonly #token = newToken();
  /** Opens the page once for this user; null once it is used. */
  #ticket: string | null = null;

  /** The address that opens the page; it carries the token, which a cookie then replaces. */
  address(port: number): string {
    return addressOf(port, this.#token);
  }

  /**
   * An address that opens the page once, and only for this user's programs; it replaces the previous one. It is safe in the arguments of
   * a program, which all users of a machine can read.
   */
  ticket(port: number): string {
    this.#ticket = newToken();
    return addressOf(port, this.#ticket);
  }

  check(request: IncomingMessage, port: number): Verdict {
    // Browsers leave out http's default port.
    const hosts = [HOST, "localhost"].map((name) => (port === 80 ? name : `${name}:${port}`));
    const { host = "", origin } = request.headers;
    const site = request.headers["sec-fetch-site"];
    if (!hosts.includes(host)) return { status: 403, why: "This server answers to 127.0.0.1 only." };
    const foreign =
      (origin !== undefined && !hosts.some((own) => origin === `http://${own}`)) ||
      (site !== undefined && !OWN_SITES.includes(String(site)));
    if (foreign) {
      return {
        status: 403,
        why: "This server answers its own page only; paste the address that lora-lego ui printed into the browser.",
      };
    }
    // Cookies are shared by all ports, so the name holds the port.
    const cookie = `lora-lego-${port}`;
    const given = tokenIn(request.url ?? "/");
    if (given !== null && (alike(given, this.#token) || this.#spends(given, request))) {
      return { location: "/", cookie: `${cookie}=${this.#token}; HttpOnly; SameSite=Strict; Path=/` };
    }
    if (cookiesOf(request, cookie).some((value) => alike(value, this.#token))) return null;
    return {
      status: 403,
      why: "This needs the token of the current run: open the address that lora-lego ui printed, which ends in ?token=...",
    };
  }

  /** Whether the ticket is valid and comes from a program of this user; this uses it up. */
  #spends(given: string, { socket }: IncomingMessage): boolean {
    if (this.#ticket === null || !alike(given, this.#ticket) || !isOwnPeer(socket)) return false;
    this.#ticket = null;
    return true;
  }
}

function newToken(): string {
  return randomBytes(32).toString("base64url");
}

function addressOf(port: number, token: string): string {
  return `http://${HOST}:${port}/?${PARAMETER}=${token}`;
}

/** Compares in constant time. */
function alike(given: string, token: string): boolean {
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Values of all cookies of a name: a browser may send several. */
function cookiesOf(request: IncomingMessage, name: string): string[] {
  const pairs = (request.headers.cookie ?? "").split(";").map((pair) => pair.trim());
  return pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
}

/** The token in the address of the page itself; null in others. */
function tokenIn(address: string): string | null {
  if (!URL.canParse(address, "http://page")) return null;
  const { pathname, searchParams } = new URL(address, "http://page");
  return pathname === "/" ? searchParams.get(PARAMETER) : null;
}
