import { percentDecoded } from "./percent-decoded.ts";

/** What a request carries beside an address: secrets, or what may be one. */
export interface WebSecrets {
  /** With its question mark; empty without one. Presigned addresses have their signature in it. */
  readonly query: string;
  /** User and password, as the header Authorization has them; null without. */
  readonly authorization: string | null;
}

const NONE: WebSecrets = { query: "", authorization: null };

/** What was put aside in this process, by address. */
const aside = new Map<string, WebSecrets>();

/**
 * Put aside what only requests need of a URL, so that names, recipes, reports and messages cannot tell it.
 *
 * @returns scheme, host, port and path alone
 */
export function putAside(url: URL): string {
  const address = `${url.origin}${url.pathname}`.replace(/\/+$/, "");
  const { query, authorization } = secretsIn(url);
  if (query !== "" || authorization !== null) aside.set(address, { query, authorization });
  return address;
}

/** What was put aside for an address. */
export function secretsOf(address: string): WebSecrets {
  return aside.get(address) ?? NONE;
}

/** What is secret in a URL. */
export function secretsIn({ search, username, password }: URL): WebSecrets {
  if (username === "" && password === "") return { query: search, authorization: null };
  const pair = new TextEncoder().encode(`${percentDecoded(username)}:${percentDecoded(password)}`);
  return { query: search, authorization: `Basic ${btoa(String.fromCharCode(...pair))}` };
}
