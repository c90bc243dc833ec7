import { UsageError } from "../../core/errors.ts";
import {
  CONFIG_FILE,
  hasWeightsName,
  isConfigFile,
  isWeightsFile,
  WEIGHTS_FILE,
} from "../../formats/peft-folder/files.ts";
import { isHubPage, pathOfAddress } from "../hub/hub-path.ts";
import { percentDecoded } from "./percent-decoded.ts";
import { putAside, secretsIn, secretsOf } from "./web-secrets.ts";

/** An adapter at a plain address: https://host/folder, or https://host/folder/file. */
export interface WebPath {
  /** Without user, password, query and fragment, and without a slash at the end. */
  readonly address: string;
  /** The same of its folder. */
  readonly folder: string;
  /** The file of weights that the address names; null for a folder. */
  readonly file: string | null;
}

const SCHEME = /^https?:\/\//i;
/** Files that no adapter is in, by their names. */
const NO_WEIGHTS = /\.(?:zip|tar|tgz|7z|rar|gz|bz2|xz|zst|md|txt|json|jsonl|ya?ml|csv|tsv|html?|pdf|ckpt|npz|onnx)$/i;

/** Whether a path is an address of the web. */
export function isWebPath(path: string): boolean {
  return SCHEME.test(path);
}

/**
 * What an address names, by its path. A query, user and password are put aside for the requests.
 *
 * @throws UsageError for what is no address, a page of the Hub, and a file that is no adapter by its name
 */
export function parseWebPath(path: string): WebPath {
  const address = putAside(urlOf(path));
  if (isHubPage(address)) {
    const hub = pathOfAddress(address);
    throw new UsageError(
      `${address} is a page of the Hub; ${hub === null ? "pass hf://owner/name" : `for this adapter on the Hub pass ${hub}`}.`,
    );
  }
  const at = address.lastIndexOf("/");
  // Behind the host alone there is no name.
  const last = at > address.indexOf("//") + 1 ? decoded(address, address.slice(at + 1)) : "";
  const folder = address.slice(0, at);
  if (isConfigFile(last)) return { address: folder, folder, file: null };
  if (isWeightsFile(last)) return { address, folder, file: last };
  if (NO_WEIGHTS.test(last)) {
    throw new UsageError(
      `${address} is no file of an adapter's weights by its name; pass the address of a .safetensors or .gguf file, or of a folder with ${CONFIG_FILE} and ${WEIGHTS_FILE}.`,
    );
  }
  return { address, folder: address, file: null };
}

/**
 * An address as it may be shown and written; what a request needs beside it is put aside. Other paths stay as they are.
 *
 * @param beside paths that go with it
 * @throws UsageError for what is no address, and if one of `beside` is the same address with another query, which nothing that is
 *   written could tell from it
 */
export function withoutSecrets(path: string, beside: readonly string[] = []): string {
  if (!isWebPath(path)) return path;
  const url = urlOf(path);
  const { query } = secretsIn(url);
  const known = secretsOf(`${url.origin}${url.pathname}`.replace(/\/+$/, "")).query;
  const address = putAside(url);
  if (query !== "" && query !== known && beside.includes(address)) {
    throw new UsageError(
      `${address} is passed with two queries, which names and recipes do not hold; download the files and pass them.`,
    );
  }
  return address;
}

/** Its name in messages, cards and reports: the address without its scheme; a file that is called as PEFT calls it by its folder. */
export function webName(path: WebPath): string {
  const named = isNamedWebFile(path) ? path.address : path.folder;
  return named.replace(SCHEME, "").split("/").map(percentDecoded).join("/");
}

/** Whether an address is that of a file of weights with a name of its own. */
export function isNamedWebFile({ file }: WebPath): boolean {
  return file !== null && !hasWeightsName(file);
}

function urlOf(path: string): URL {
  // Not the path itself, which may hold a password.
  if (!URL.canParse(path)) {
    throw new UsageError("A path begins like an address and is none; write https://host/folder or https://host/file.");
  }
  return new URL(path);
}

/** The name of a file, which becomes one on this machine. */
function decoded(address: string, name: string): string {
  const text = percentDecoded(name);
  if (!/[/\\\0]/.test(text)) return text;
  throw new UsageError(`${address} has a slash in the name of its file; pass an address without one.`);
}
