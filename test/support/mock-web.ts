import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a request to the mock was. */
export interface WebRequest {
  readonly path: string;
  readonly query: string;
  readonly range: string | null;
  readonly authorization: string | null;
}

/** A web server of files in memory, as object stores and file servers are. */
export class MockWeb {
  readonly requests: WebRequest[] = [];
  /** Files by their paths. */
  readonly files: Map<string, Uint8Array> = new Map();
  ranges: boolean = true;
  /** How it tells versions: by strong or weak ETags, by Last-Modified, or not at all. */
  versions: "strong" | "weak" | "modified" | "none" = "strong";
  /** Whether it minds conditions such as If-Match, as most servers do. */
  conditional: boolean = true;
  /** Break the connection after so many bytes of a body of more, once for each entry. */
  breaks: number[] = [];
  /** Answers in the mock's stead where it returns true. */
  instead: ((path: string, response: ServerResponse, request: IncomingMessage) => boolean) | null = null;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(): Promise<MockWeb> {
    const web = new MockWeb();
    await new Promise<void>((resolve) => web.#server.listen(0, "127.0.0.1", resolve));
    return web;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Such as http://127.0.0.1:4711, to which paths are added. */
  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The same server under another name. */
  get otherOrigin(): string {
    return this.origin.replace("127.0.0.1", "localhost");
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, this.origin);
    const path = decodeURIComponent(url.pathname);
    const { range = null, authorization = null } = request.headers;
    this.requests.push({ path, query: url.search, range, authorization });
    if (this.instead?.(path, response, request)) return;
    const bytes = this.files.get(path);
    if (bytes === undefined) return void response.writeHead(404).end("nothing here");
    this.#send(request, response, bytes);
  }

  #send(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array): void {
    const hash = createHash("sha256").update(bytes).digest("hex");
    const etag = `"${hash.slice(0, 16)}"`;
    const modified = new Date(Number.parseInt(hash.slice(0, 7), 16) * 1000).toUTCString();
    const version = {
      strong: { ETag: etag, "Last-Modified": modified },
      weak: { ETag: `W/${etag}` },
      modified: { "Last-Modified": modified },
      none: {},
    }[this.versions];
    const { "if-match": match, "if-unmodified-since": since } = request.headers;
    if (this.conditional && ((match !== undefined && match !== etag) || (since !== undefined && since !== modified))) {
      return void response.writeHead(412).end();
    }
    const found = this.ranges ? /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") : null;
    const [from, to] = [Number(found?.[1] ?? 0), Math.min(bytes.length, Number(found?.[2] || bytes.length - 1) + 1)];
    if (found !== null && from >= bytes.length) return void response.writeHead(416).end();
    const part = found === null ? {} : { "Content-Range": `bytes ${from}-${to - 1}/${bytes.length}` };
    const body = bytes.subarray(from, to);
    response.writeHead(found === null ? 200 : 206, { ...version, ...part, "Content-Length": body.length });
    const broken = body.length > (this.breaks[0] ?? Number.POSITIVE_INFINITY) ? this.breaks.shift() : undefined;
    if (broken === undefined) return void response.end(body);
    response.write(body.subarray(0, broken), () => response.destroy());
  }
}
