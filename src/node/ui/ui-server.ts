import { createReadStream, existsSync, lstatSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, dirname, extname, join, resolve, sep } from "node:path";
import { pipeline } from "node:stream";
import { fileURLToPath } from "node:url";
import { OutputError, UsageError } from "../../core/errors.ts";
import { compareNaturally } from "../../core/natural-order.ts";
import {
  hasWeightsName,
  holdsSingleFiles,
  isConfigFile,
  isIndexFile,
  isWeightsFile,
} from "../../formats/peft-folder/files.ts";
import { isHubPath } from "../../remote/hub/hub-path.ts";
import { isRemotePath } from "../../remote/remote-path.ts";
import { CARD_FILE } from "../../report/card.ts";
import { TOKENIZER_FILES } from "../../report/tokenizer-files.ts";
import { isOwnFile, refuseForeignFile } from "../files/own-file.ts";
import { Guard, HOST } from "./ui-guard.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};
/**
 * Hosts that serve the Hub's files: huggingface.co answers small ones itself and redirects large ones to its CDN, current or former
 * (docs/hub/models-downloading.md of huggingface/hub-docs, "Downloading behind a proxy or firewall"; cas-bridge was on the list until
 * July 2026). The page does not use the Xet protocol, so it does not need its hosts.
 */
const HUB_HOSTS = [
  "https://huggingface.co",
  "https://*.cdn.hf.co",
  "https://cas-bridge.xethub.hf.co",
  "https://cdn-lfs-us-1.hf.co",
  "https://cdn-lfs-eu-1.hf.co",
].join(" ");
/** Scripts and workers are the page's own; it talks to its server and, when a Hub id is opened, to the Hub. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  `connect-src 'self' ${HUB_HOSTS}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");
const HEADERS = {
  "content-security-policy": POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

/** A served page. */
export interface ServedPage {
  /** The address with the token of this start; requests without the token or its cookie are refused. */
  readonly url: string;
  /** An address that works once, on Linux only for this user's programs; for a browser's arguments, which others can read. */
  ticket(): string;
  close(): Promise<void>;
}

/** How to serve the explorer. */
export interface UiOptions {
  /** Folders or files of adapters to open at the start. */
  readonly adapters: readonly string[];
  /** Default: any free port. */
  readonly port?: number;
  /** The built page. Default: the one in this package. */
  readonly page?: string;
}

/** Files that may be fetched, by URL path. */
type Served = ReadonlyMap<string, string>;

/**
 * Serve the explorer on 127.0.0.1: the built page, and the files of the named adapters, by range. Nothing else on the disk can be reached,
 * and only requests with the printed address's token are answered.
 *
 * @throws UsageError for adapters that do not exist; OutputError if the port is taken
 */
export async function servePage(options: UiOptions): Promise<ServedPage> {
  const page = options.page ?? join(dirname(fileURLToPath(import.meta.url)), "../../web");
  if (!existsSync(join(page, "index.html"))) {
    throw new UsageError(`The page is not built (no ${join(page, "index.html")}); run npm run build.`);
  }
  const files = new Map(pageFiles(page).map((path) => [`/${path}`, join(page, path)]));
  // Listed again whenever the page asks: an adapter may have been rewritten.
  const places = new Map<string, number>();
  const list = (): string => {
    const paths = options.adapters.flatMap(adaptersIn);
    // An adapter keeps its address, because open pages use it.
    for (const path of paths) if (!places.has(path)) places.set(path, places.size);
    return JSON.stringify(paths.map((path) => listAdapter(path, places.get(path)!, files)));
  };
  list();
  const index = readFileSync(join(page, "index.html"), "utf8").replace(
    "</head>",
    options.adapters.length === 0 ? "</head>" : `<meta name="lora-lego-adapters" content="./adapters.json" /></head>`,
  );
  const texts: ReadonlyMap<string, () => string> = new Map([
    ["/", () => index],
    ["/index.html", () => index],
    ["/adapters.json", list],
  ]);
  const guard = new Guard();
  const server = createServer((request, response) => answer(request, response, { server, guard, files, texts }));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new OutputError(`Port ${options.port} is taken; pass another --port, or leave it out to use a free one.`)
          : error,
      ),
    );
    server.listen(options.port ?? 0, HOST, resolve);
  });
  return {
    url: guard.address(portOf(server)),
    ticket: () => guard.ticket(portOf(server)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Paths of all files of the built page, with slashes. */
function pageFiles(page: string): string[] {
  const paths = readdirSync(page, { recursive: true }).map(String);
  return paths.filter((path) => lstatSync(join(page, path)).isFile()).map((path) => path.replaceAll(sep, "/"));
}

/** Whether the explorer reads a file of this name from an adapter's folder: weights, configs, card and tokenizer files. */
function isRead(name: string): boolean {
  return (
    [isWeightsFile, isIndexFile, isConfigFile].some((is) => is(name)) ||
    name === CARD_FILE ||
    TOKENIZER_FILES.includes(name)
  );
}

/** A folder that is not an adapter stands for the adapters in it, which may be files; anything else stands for itself. */
function adaptersIn(path: string): string[] {
  const holdsSome = (folder: string): boolean =>
    readdirSync(folder).some((name) => isWeightsFile(name) || isConfigFile(name));
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [path];
  const names = readdirSync(path);
  if (holdsSingleFiles(names)) {
    const files = names.filter(isWeightsFile).sort(compareNaturally);
    return files.map((name) => join(path, name));
  }
  if (holdsSome(path)) return [path];
  const entries = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const found = entries.map(({ name }) => join(path, name)).filter(holdsSome);
  return found.length === 0 ? [path] : found.sort(compareNaturally);
}

/** What the page learns about an adapter; its files may be fetched from then on. */
function listAdapter(path: string, place: number, files: Map<string, string>) {
  if (isRemotePath(path)) {
    const instead = isHubPath(path)
      ? "is on the Hub, which the page reads itself; start without it and open it in the page under Hugging Face Hub"
      : "is an address, which the page does not read; download it, and pass its file or folder";
    throw new UsageError(`${path} ${instead}.`);
  }
  const full = resolve(path);
  const stat = statSync(full, { throwIfNoEntry: false });
  if (stat === undefined) throw new UsageError(`There is no file or folder ${path}; pass the folder of an adapter.`);
  const folder = stat.isDirectory() ? full : dirname(full);
  // A named weights file is chosen among several; a config or an index stands for its folder.
  const single = stat.isFile() && isWeightsFile(full) ? basename(full) : null;
  const wanted = (name: string): boolean => single === null || name === single || !isWeightsFile(name);
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => wanted(name));
  const own = entries.flatMap(({ name }) => {
    const file = join(folder, name);
    const found = statSync(file, { throwIfNoEntry: false });
    if (!found?.isFile() || !isRead(name)) return [];
    // A named file may be a link to anywhere; other files in the folder may not.
    if (!(stat.isFile() && name === basename(full)) && !isOwnFile(folder, name)) {
      if (TOKENIZER_FILES.includes(name) || name === CARD_FILE) return [];
      refuseForeignFile(folder, name, basename(folder));
    }
    const url = `adapters/${place}/${encodeURIComponent(name)}`;
    files.set(`/adapters/${place}/${name}`, realpathSync(file));
    return [{ name, size: found.size, url }];
  });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const ownName = single === null || hasWeightsName(single) ? "" : `/${single}`;
  // Two folders of one name are told apart by those around them.
  return { name: `${basename(folder)}${ownName}`, path: `${folder}${ownName}`, files: own, folders };
}

interface Serving {
  readonly server: Server;
  readonly guard: Guard;
  readonly files: Served;
  readonly texts: ReadonlyMap<string, () => string>;
}

function answer(request: IncomingMessage, response: ServerResponse, { server, guard, files, texts }: Serving): void {
  const refuse: Refuse = (status, why) => {
    response.writeHead(status, { ...HEADERS, "content-type": "text/plain; charset=utf-8" }).end(why);
  };
  const verdict = guard.check(request, portOf(server));
  if (verdict !== null && "status" in verdict) {
    refuse(verdict.status, verdict.why);
    return;
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    refuse(405, "Only GET and HEAD.");
    return;
  }
  if (verdict !== null) {
    response.writeHead(303, { ...HEADERS, location: verdict.location, "set-cookie": verdict.cookie }).end();
    return;
  }
  const path = pathOf(request.url ?? "/");
  const text = path === null ? undefined : texts.get(path);
  if (text !== undefined) {
    sendText(request, response, path!.endsWith(".json") ? ".json" : ".html", text, refuse);
    return;
  }
  const file = path === null ? undefined : files.get(path);
  if (file === undefined) {
    refuse(404, "There is nothing here.");
    return;
  }
  sendFile(request, response, file, refuse);
}

type Refuse = (status: number, why: string) => void;

function sendText(
  request: IncomingMessage,
  response: ServerResponse,
  type: string,
  text: () => string,
  refuse: Refuse,
) {
  let body: string;
  try {
    body = text();
  } catch (error) {
    refuse(404, (error as Error).message);
    return;
  }
  response.writeHead(200, { ...HEADERS, "content-type": TYPES[type] });
  response.end(request.method === "HEAD" ? undefined : body);
}

function pathOf(url: string): string | null {
  try {
    return decodeURIComponent(new URL(url, "http://page").pathname);
  } catch {
    return null;
  }
}

/** A file's size; null if it can no longer be read. */
function sizeOf(file: string): number | null {
  try {
    return statSync(file).size;
  } catch {
    return null;
  }
}

const RANGE = /^bytes=(\d+)-(\d+)$/;

function sendFile(request: IncomingMessage, response: ServerResponse, file: string, refuse: Refuse): void {
  const size = sizeOf(file);
  if (size === null) {
    refuse(404, "The file is gone.");
    return;
  }
  const [, from, to] = RANGE.exec(request.headers.range ?? "") ?? [];
  const [begin, last] = from === undefined ? [0, size - 1] : [Number(from), Math.min(Number(to), size - 1)];
  if (from !== undefined && begin > last) {
    refuse(416, "The file has no such range.");
    return;
  }
  response.writeHead(from === undefined ? 200 : 206, {
    ...HEADERS,
    "content-type": TYPES[extname(file)] ?? "application/octet-stream",
    "content-length": size === 0 ? 0 : last - begin + 1,
    "accept-ranges": "bytes",
    ...(from !== undefined && { "content-range": `bytes ${begin}-${last}/${size}` }),
  });
  if (request.method === "HEAD" || size === 0) {
    response.end();
    return;
  }
  pipeline(createReadStream(file, { start: begin, end: last }), response, () => {});
}
