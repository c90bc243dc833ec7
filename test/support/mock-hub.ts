import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { HubSettings } from "../../src/node/remote/hub-settings.ts";

/** A repository of the mock: its files at one commit. */
export interface MockRepository {
  readonly files: Record<string, Uint8Array>;
  /** Files that are stored as large ones (LFS). */
  readonly large?: readonly string[];
  /** Who may read it. Default all. */
  readonly access?: "private" | "gated";
}

/** What a request to the mock was. */
export interface MockRequest {
  readonly method: string;
  readonly url: string;
  readonly range: string | null;
  readonly authorized: boolean;
}

export const TOKEN = "hf_secret";

/** The Hub's HTTP interface, as far as adapters need it: model info, tree, downloads by redirect and range, and uploads. */
export class MockHub {
  readonly requests: MockRequest[] = [];
  /** Repositories that were made by upload, their files by name. */
  readonly uploaded: Map<string, Map<string, Uint8Array>> = new Map();
  readonly created: { name: string; private: boolean }[] = [];
  /** Answer this many requests with a status before anything else. */
  failures: { status: number; left: number } = { status: 503, left: 0 };
  /** Break the connection after so many bytes of a large download, once for each entry. */
  breaks: number[] = [];
  ignoresRanges: boolean = false;
  /** Answers in the mock's stead where it returns true; "store" is where large files lie. */
  instead: ((url: string, response: ServerResponse, request: IncomingMessage) => boolean) | null = null;
  /** Change a byte of each large download. */
  corrupts: boolean = false;
  readonly #repositories: Readonly<Record<string, MockRepository>>;
  readonly #hub: Server;
  /** Large files come from another origin, which must not see the token. */
  readonly #store: Server;
  #told: (count: number) => unknown = () => {};
  readonly #held = new Map<string, Uint8Array>();

  private constructor(repositories: Readonly<Record<string, MockRepository>>) {
    this.#repositories = repositories;
    this.#hub = createServer((request, response) => void this.#answer(request, response));
    this.#store = createServer((request, response) => void this.#serveLarge(request, response));
  }

  /** Be told of how many requests there were, at each. */
  onRequest(told: (count: number) => unknown): void {
    this.#told = told;
  }

  static async start(repositories: Readonly<Record<string, MockRepository>>): Promise<MockHub> {
    const hub = new MockHub(repositories);
    for (const server of [hub.#hub, hub.#store])
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return hub;
  }

  stop(): void {
    for (const server of [this.#hub, this.#store]) {
      server.closeAllConnections();
      server.close();
    }
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  /** Settings that speak to this mock. */
  settings(cache: string, more: Partial<HubSettings> = {}): HubSettings {
    return { endpoint: this.endpoint, token: null, fetch, cache, offline: false, pause: 1, ...more };
  }

  /** The commit of a repository: a hash of its name. */
  static commitOf(name: string): string {
    return createHash("sha1").update(name).digest("hex");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = decodeURIComponent(request.url!);
    const authorized = request.headers.authorization === `Bearer ${TOKEN}`;
    this.requests.push({ method: request.method!, url, range: request.headers.range ?? null, authorized });
    this.#told(this.requests.length);
    if (this.instead?.(url, response, request)) return;
    if (this.failures.left > 0) {
      this.failures.left--;
      return void response.writeHead(this.failures.status).end("busy");
    }
    if (request.method !== "GET") return this.#write(request, response, url, authorized);
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/?]+)\/?([^?]*)/.exec(url);
    const file = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url);
    const name = api?.[1] ?? file?.[1] ?? "";
    const repository = this.#repositories[name];
    const commit = MockHub.commitOf(name);
    if (repository === undefined || (repository.access === "private" && !authorized)) {
      return refuse(response, authorized ? 404 : 401, "RepoNotFound");
    }
    const revision = api?.[3] ?? file![2]!;
    if (revision !== "main" && revision !== commit) return refuse(response, 404, "RevisionNotFound");
    if (api?.[2] === "revision")
      return sendJson(response, { id: name, sha: commit, private: repository.access === "private" });
    if (api !== null) return this.#tree(response, repository, api[4] ?? "");
    if (repository.access === "gated" && !authorized) return refuse(response, 403, "GatedRepo");
    return this.#resolve(request, response, repository, file![3]!, commit);
  }

  #tree(response: ServerResponse, { files, large = [] }: MockRepository, folder: string): void {
    const prefix = folder === "" ? "" : `${folder}/`;
    const inside = Object.keys(files).filter((path) => path.startsWith(prefix));
    if (inside.length === 0) {
      refuse(response, 404, "EntryNotFound");
      return;
    }
    const folders = new Set(
      inside.flatMap((path) =>
        path.slice(prefix.length).includes("/") ? [path.slice(prefix.length).split("/")[0]!] : [],
      ),
    );
    const entries = [
      ...[...folders].map((name) => ({ type: "directory", path: `${prefix}${name}`, size: 0, oid: "0" })),
      ...inside
        .filter((path) => !path.slice(prefix.length).includes("/"))
        .map((path) => {
          const bytes = files[path]!;
          const entry = { type: "file", path, size: bytes.length, oid: gitHash(bytes) };
          return large.includes(path)
            ? { ...entry, size: 134, lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 134 } }
            : entry;
        }),
    ];
    sendJson(response, entries);
  }

  #resolve(
    request: IncomingMessage,
    response: ServerResponse,
    repository: MockRepository,
    path: string,
    commit: string,
  ): void {
    const bytes = repository.files[path];
    if (bytes === undefined || !(repository.large ?? []).includes(path)) {
      if (bytes === undefined) refuse(response, 404, "EntryNotFound");
      else this.#send(request, response, bytes, gitHash(bytes));
      return;
    }
    const etag = sha256(bytes);
    this.#held.set(etag, bytes);
    const store = `http://127.0.0.1:${(this.#store.address() as AddressInfo).port}/${etag}`;
    response
      .writeHead(302, {
        Location: store,
        "X-Linked-Etag": `"${etag}"`,
        "X-Linked-Size": bytes.length,
        "X-Repo-Commit": commit,
      })
      .end();
  }

  #serveLarge(request: IncomingMessage, response: ServerResponse): void {
    const authorized = request.headers.authorization !== undefined;
    this.requests.push({ method: request.method!, url: "store", range: request.headers.range ?? null, authorized });
    if (this.instead?.("store", response, request)) return;
    const etag = request.url!.slice(1);
    const held = this.#held.get(etag);
    if (held === undefined) {
      refuse(response, 404, "EntryNotFound");
      return;
    }
    const bytes = held.slice();
    if (this.corrupts) bytes[bytes.length - 1]! ^= 1;
    this.#send(request, response, bytes, etag, this.breaks.shift());
  }

  #send(
    request: IncomingMessage,
    response: ServerResponse,
    bytes: Uint8Array,
    etag: string,
    breakAfter?: number,
  ): void {
    const range = this.ignoresRanges ? null : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const from = range === null ? 0 : Number(range[1]);
    const to = range === null || range[2] === "" ? bytes.length : Number(range[2]) + 1;
    const body = bytes.subarray(from, to);
    const partial = range === null ? {} : { "Content-Range": `bytes ${from}-${to - 1}/${bytes.length}` };
    response.writeHead(range === null ? 200 : 206, { ETag: `"${etag}"`, "Content-Length": body.length, ...partial });
    if (breakAfter === undefined) return void response.end(body);
    response.write(body.subarray(0, breakAfter), () => response.destroy());
  }

  async #write(request: IncomingMessage, response: ServerResponse, url: string, authorized: boolean): Promise<void> {
    const body = await bodyOf(request);
    const upload = /^\/upload\/([0-9a-f]+)$/.exec(url);
    if (upload !== null) {
      this.#held.set(upload[1]!, body);
      return void response.writeHead(200).end();
    }
    if (!authorized) return refuse(response, 401, "Unauthorized");
    const text = body.toString("utf8");
    if (url === "/api/repos/create") return this.#create(response, JSON.parse(text));
    if (url.includes("/preupload/")) {
      const files = (JSON.parse(text).files as { path: string; size: number }[]).map(({ path, size }) => {
        return { path, uploadMode: size > 200 ? "lfs" : "regular", shouldIgnore: false };
      });
      return sendJson(response, { files });
    }
    if (url.includes("/info/lfs/objects/batch")) {
      const objects = (JSON.parse(text).objects as { oid: string; size: number }[]).map((object) => {
        return { ...object, actions: { upload: { href: `${this.endpoint}/upload/${object.oid}` } } };
      });
      return sendJson(response, { transfer: "basic", objects });
    }
    const commit = /^\/api\/models\/([^/]+\/[^/]+)\/commit\//.exec(url);
    if (commit === null) return refuse(response, 404, "EntryNotFound");
    const files = new Map<string, Uint8Array>();
    for (const line of text
      .trim()
      .split("\n")
      .map((each) => JSON.parse(each))) {
      if (line.key === "file")
        files.set(line.value.path, Buffer.from(line.value.content, line.value.encoding ?? "base64"));
      if (line.key === "lfsFile") files.set(line.value.path, this.#held.get(line.value.oid)!);
    }
    this.uploaded.set(commit[1]!, files);
    sendJson(response, {
      success: true,
      commitOid: MockHub.commitOf(commit[1]!),
      commitUrl: this.endpoint,
      pullRequestUrl: "",
    });
  }

  #create(
    response: ServerResponse,
    { name, organization, visibility }: { name: string; organization?: string; visibility?: string },
  ): void {
    const full = organization === undefined ? name : `${organization}/${name}`;
    if (this.#repositories[full] !== undefined) {
      refuse(response, 409, "RepoExists");
      return;
    }
    this.created.push({ name: full, private: visibility === "private" });
    sendJson(response, { url: `${this.endpoint}/${full}`, id: full });
  }
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "X-Error-Code": code }).end(code);
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function gitHash(bytes: Uint8Array): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}
