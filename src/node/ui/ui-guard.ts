import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isOwnPeer } from "./own-peer.ts";

export const HOST = "127.0.0.1";
const PARAMETER = "token";
/** What browsers say of who asks: the page itself, or the user. Other sites, and pages of other ports here, are neither. */
const OWN_SITES = ["same-origin", "none"];

/** What becomes of a request: it is answered (null), refused, or sent to another address, the cookie set. */
export type Verdict =
  | null
  | { readonly status: number; readonly why: string }
  | { readonly location: string; readonly cookie: string };

/**
 * Lets in who knows the token of this start, and nobody else: not other sites (by Origin, Sec-Fetch-Site, and Host against names that are
 * made to point here), and not other programs and users of this machine, which can reach the port as well.
 */
export class Guard {
  readonly #token = newToken();
  /** For one opening by this user; null once it is spent. */
  #ticket: string | null = null;

  /** The address that opens the page: with the token, which a cookie takes the place of. */
  address(port: number): string {
    return addressOf(port, this.#token);
  }

  /**
   * An address that opens the page once, and for programs of this user alone; it takes the place of the one before. It may stand in the
   * arguments of a program, which all users of a machine can read.
   */
  ticket(port: number): string {
    this.#ticket = newToken();
    return addressOf(port, this.#ticket);
  }

  check(request: IncomingMessage, port: number): Verdict {
    // Browsers leave out the port that http has anyway.
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
    // Cookies do not tell ports apart.
    const cookie = `lora-lego-${port}`;
    const given = tokenIn(request.url ?? "/");
    if (given !== null && (alike(given, this.#token) || this.#spends(given, request))) {
      return { location: "/", cookie: `${cookie}=${this.#token}; HttpOnly; SameSite=Strict; Path=/` };
    }
    if (cookiesOf(request, cookie).some((value) => alike(value, this.#token))) return null;
    return {
      status: 403,
      why: "This needs the token of the present start: open the address that lora-lego ui printed, with ?token= at its end.",
    };
  }

  /** Whether the ticket is given by a program of this user, which spends it. */
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

/** Takes as long whatever is given. */
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
