import { createHash } from "node:crypto";
import { getEventListeners } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FormatError, RemoteError } from "../../src/core/errors.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { pushAdapter } from "../../src/node/push-adapter.ts";
import { fetchHubAdapter } from "../../src/node/remote/hub-adapters.ts";
import { rejection } from "../support/memory-folder.ts";
import { gitHash, MockHub, TOKEN } from "../support/mock-hub.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";

const WEIGHTS = "adapter_model.safetensors";
const CONFIG = "adapter_config.json";
const COMMIT = "b".repeat(40);

const folder = writeAdapter(join(tempFolder(), "adapter"), randomAdapter(1));
const bytesOf = (file: string): Uint8Array => new Uint8Array(readFileSync(join(folder, file)));
const weights = bytesOf(WEIGHTS);
const names: string[] = Array.from({ length: 40 }, (_, i) => `bounds/model-${i}`);

let hub: MockHub;
let cache: string;
let count = 0;
/** A name that this process has not asked for yet. */
const fresh = (): string => `hf://${names[count++]!}`;
const settings = (more: Partial<ReturnType<MockHub["settings"]>> = {}) => hub.settings(cache, more);
/** What of downloads lies in the cache, finished or not. */
const blobs = (path: string): string[] =>
  readdirSync(join(cache, `models--${path.slice(5).replace("/", "--")}`, "blobs"));

async function refusalOf(work: Promise<unknown>): Promise<string> {
  const error = await rejection(work);
  expect(error).toBeInstanceOf(RemoteError);
  expect(error.message).toMatch(/^[^\n]+[.]$/);
  return error.message;
}

beforeAll(async () => {
  const files = { [CONFIG]: bytesOf(CONFIG), [WEIGHTS]: weights };
  hub = await MockHub.start(Object.fromEntries(names.map((name) => [name, { files, large: [WEIGHTS] }])));
});
afterAll(() => hub.stop());
beforeEach(() => {
  cache = tempFolder();
  Object.assign(hub, { requests: [], breaks: [], instead: null });
});

/** Answer large downloads by this. */
function store(answer: (response: ServerResponse, range: string | undefined) => void): void {
  hub.instead = (url, response, request) => {
    if (url === "store") answer(response, request.headers.range);
    return url === "store";
  };
}

/** Answer the page of a listing that is asked for by this; pages are numbered by `?page=`. */
function pages(answer: (response: ServerResponse, page: number) => void): void {
  hub.instead = (url, response) => {
    if (!url.includes("/tree/")) return false;
    answer(response, Number(/\?page=(\d+)/.exec(url)?.[1] ?? 0));
    return true;
  };
}

describe("a download", () => {
  it("that is longer than listed is cut off, refused and removed", async () => {
    let sent = 0;
    store((response) => {
      const more = (): void => {
        sent += 1 << 16;
        response.write(new Uint8Array(1 << 16), more);
      };
      response.writeHead(200);
      more();
    });
    const path = fresh();
    const said = await refusalOf(fetchHubAdapter(path, { settings: settings() }));
    expect(said).toMatch(
      new RegExp(`model-\\d+/${WEIGHTS}: the server sends more than the ${weights.length} bytes that it should; check`),
    );
    expect(sent).toBeLessThan(64 << 20);
    expect(blobs(path).filter((name) => name.includes("incomplete"))).toEqual([]);
  });

  it("whose end is longer than what was missing is refused too", async () => {
    hub.breaks = [50, 0, 0, 0];
    const path = fresh();
    await refusalOf(fetchHubAdapter(path, { settings: settings() }));
    store((response) => response.writeHead(206).end(weights));
    expect(await refusalOf(fetchHubAdapter(path, { settings: settings() }))).toContain(
      `more than the ${weights.length - 50} bytes`,
    );
    expect(blobs(path).filter((name) => name.includes("incomplete"))).toEqual([]);
  });

  it("with the wrong checksum leaves nothing behind", async () => {
    store((response) => response.writeHead(200).end(new Uint8Array(weights.length)));
    const path = fresh();
    expect(await refusalOf(fetchHubAdapter(path, { settings: settings() }))).toContain("with the checksum");
    expect(blobs(path)).toHaveLength(1);
    expect(blobs(path).filter((name) => name.includes("incomplete"))).toEqual([]);
  });

  it("leaves nothing on the signal that may end it, however often it was tried", async () => {
    hub.breaks = [50, 20];
    hub.failures = { status: 503, left: 2 };
    const { signal } = new AbortController();
    await fetchHubAdapter(fresh(), { settings: settings(), signal });
    expect(hub.requests.length).toBeGreaterThan(6);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("ends while its body is waited for when it is called off", async () => {
    const stop = new AbortController();
    let sent = 0;
    store((response) => {
      sent++;
      response.writeHead(200, { "content-length": weights.length }).write(weights.subarray(0, 10));
    });
    const path = fresh();
    const onDownload = (file: string): void => {
      if (file === WEIGHTS) setImmediate(() => stop.abort(new Error("called off")));
    };
    const work = fetchHubAdapter(path, { settings: settings(), signal: stop.signal, onDownload });
    await expect(work).rejects.toThrow("called off");
    expect(sent).toBe(1);
    expect(getEventListeners(stop.signal, "abort")).toHaveLength(0);
    expect(blobs(path).filter((name) => name.endsWith(".incomplete"))).toHaveLength(1);
  });

  it("that ends early every time is given up, and kept to go on with", async () => {
    let tries = 0;
    store((response, range) => {
      tries++;
      const from = Number(/^bytes=(\d+)-/.exec(range ?? "bytes=0-")![1]);
      response.writeHead(range === undefined ? 200 : 206).end(weights.subarray(from, from + 1));
    });
    const path = fresh();
    const said = await refusalOf(fetchHubAdapter(path, { settings: settings() }));
    expect(said).toMatch(/broke off at 4 of \d+ bytes; try again to resume it there\./);
    expect(tries).toBe(4);
    expect(blobs(path).filter((name) => name.endsWith(".incomplete"))).toHaveLength(1);
  });

  it("that brings hardly anything counts as broken off", async () => {
    store((response, range) => {
      const from = Number(/^bytes=(\d+)-/.exec(range ?? "bytes=0-")![1]);
      response.writeHead(range === undefined ? 200 : 206);
      let at = from;
      const drip = setInterval(() => response.write(weights.subarray(at, ++at)), 5);
      response.on("close", () => clearInterval(drip));
    });
    const path = fresh();
    expect(await refusalOf(fetchHubAdapter(path, { settings: settings({ patience: 100 }) }))).toContain("broke off at");
  });

  it("of a part other than the one asked for is refused", async () => {
    hub.breaks = [50, 0, 0, 0];
    const path = fresh();
    await refusalOf(fetchHubAdapter(path, { settings: settings() }));
    store((response) => response.writeHead(206, { "Content-Range": `bytes 0-9/${weights.length}` }).end("0123456789"));
    expect(await refusalOf(fetchHubAdapter(path, { settings: settings() }))).toMatch(
      /the server sent bytes 0-9\/\d+, but bytes from 50 on were asked for; check HF_ENDPOINT/,
    );
  });

  it("of a config that is listed too long to be one is not begun", async () => {
    pages((response) => {
      const config = { type: "file", path: CONFIG, size: 1 << 30, oid: "a".repeat(40) };
      const file = { type: "file", path: WEIGHTS, size: weights.length, oid: "b".repeat(40) };
      response.end(JSON.stringify([config, file]));
    });
    const said = await refusalOf(fetchHubAdapter(fresh(), { settings: settings() }));
    expect(said).toContain(`lists ${CONFIG} with 1073741824 bytes, too many for a JSON file`);
    expect(hub.requests.every(({ url }) => !url.includes("/resolve/"))).toBe(true);
    const streamed = await rejection(openAdapterPath(fresh(), { stream: true, settings: settings() }));
    expect(streamed).toBeInstanceOf(FormatError);
    expect(streamed.message).toContain("1073741824 bytes, too many for a JSON config");
  });
});

describe("an adapter that is read by range", () => {
  const streamed = () => openAdapterPath(fresh(), { stream: true, settings: settings({ patience: 200 }) });

  it("is refused where a range comes longer than it was asked for", async () => {
    store((response) => response.writeHead(206).end(new Uint8Array(weights.length + 1)));
    expect(await refusalOf(streamed())).toContain("the server sends more than the");
  });

  it("is refused where a range comes shorter", async () => {
    store((response) => response.writeHead(206).end(weights.subarray(0, 5)));
    const error = await rejection(streamed());
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toContain("ends early");
  });

  it("is asked for again where a range breaks off, four times in all", async () => {
    let left = 3;
    hub.instead = (url, response) => {
      if (url !== "store" || left-- <= 0) return false;
      response.writeHead(206, { "Content-Length": 100 }).write("begin", () => response.destroy());
      return true;
    };
    expect((await streamed()).adapter.modules.size).toBe(2);
    left = 4;
    expect(await refusalOf(streamed())).toMatch(/cannot be reached \(.+\); check the connection/);
  });

  it("is given up where nothing comes", async () => {
    store((response) => response.writeHead(206).write("begin"));
    expect(await refusalOf(streamed())).toContain(
      "the server sent less than 16384 bytes in 0.2 s; check the connection",
    );
  });
});

describe("a listing", () => {
  const listed = (more = {}) => fetchHubAdapter(fresh(), { settings: settings(more) });
  const entry = (number: number) => ({ type: "file", path: `file-${number}`, size: 1, oid: "a".repeat(40) });
  const next = (link: string) => ({ Link: `<${link}>; rel="next"` });

  it.each([
    ["relative", (_: string) => "?page=1"],
    ["absolute", (endpoint: string) => `${endpoint}/api/models/a/b/tree/main?page=1`],
  ])("goes on at an address that is %s", async (_, link) => {
    const sha256 = createHash("sha256").update(weights).digest("hex");
    const config = { ...entry(0), path: CONFIG, size: bytesOf(CONFIG).length, oid: gitHash(bytesOf(CONFIG)) };
    const large = { ...entry(1), path: WEIGHTS, lfs: { oid: sha256, size: weights.length } };
    pages((response, page) => {
      response.writeHead(200, page === 0 ? next(link(hub.endpoint)) : {});
      response.end(JSON.stringify([page === 0 ? config : large]));
    });
    const { folder: got } = await listed();
    expect(readdirSync(got).sort()).toEqual([CONFIG, WEIGHTS]);
  });

  it("does not go on at another host", async () => {
    pages((response) => response.writeHead(200, next("http://evil.example/page")).end("[]"));
    expect(await refusalOf(listed({ token: TOKEN }))).toMatch(
      /listing continues on another host, evil\.example; check HF_ENDPOINT/,
    );
  });

  it("without end is given up after 200 answers", async () => {
    pages((response, page) => response.writeHead(200, next(`?page=${page + 1}`)).end("[]"));
    expect(await refusalOf(listed())).toMatch(/listing has more than 200 pages/);
    expect(hub.requests).toHaveLength(200);
  });

  it("is bounded in length, all pages together", async () => {
    const long = " ".repeat(10 << 20);
    pages((response, page) => response.writeHead(200, next(`?page=${page + 1}`)).end(`[]${long}`));
    expect(await refusalOf(listed())).toMatch(/\(the listing of its files\): the server sends more than the \d+ bytes/);
    // One of the commit, and the page at which 32 MB are passed.
    expect(hub.requests).toHaveLength(5);
  });

  it("is given up when no answer comes, or only a drip of one", async () => {
    hub.instead = () => true;
    expect(await refusalOf(listed({ patience: 50 }))).toContain("the server sent less than 16384 bytes in 0.05 s");
    expect(hub.requests).toHaveLength(4);
    pages((response) => {
      const drip = setInterval(() => response.write(" "), 5);
      response.on("close", () => clearInterval(drip));
    });
    expect(await refusalOf(listed({ patience: 50 }))).toContain("the server sent less than 16384 bytes in 0.05 s");
  });
});

describe("an upload", () => {
  it("is refused where the Hub answers without end", async () => {
    hub.instead = (url, response) => {
      if (url !== "/api/repos/create") return false;
      const more = (): boolean => response.write(new Uint8Array(1 << 20), more);
      response.writeHead(200, { "Content-Type": "application/json" });
      return more() || true;
    };
    const said = await refusalOf(
      pushAdapter(folder, "me/mine", { private: true, settings: settings({ token: TOKEN }) }),
    );
    expect(said).toContain("me/mine: the server sends more than the 16777216 bytes");
  });

  it("gives the token to the Hub alone, not to where large files go", async () => {
    const authorized: boolean[] = [];
    const other = createServer((request, response) => {
      authorized.push(request.headers.authorization !== undefined);
      request.resume().on("end", () => response.end());
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const href = `http://127.0.0.1:${(other.address() as AddressInfo).port}/upload`;
    hub.instead = (url, response, request) => {
      if (!url.includes("/info/lfs/objects/batch")) return false;
      let text = "";
      request.on("data", (chunk) => {
        text += String(chunk);
      });
      request.on("end", () => {
        const objects = (JSON.parse(text).objects as object[]).map((object) => ({
          ...object,
          actions: { upload: { href } },
        }));
        response.setHeader("Content-Type", "application/json");
        response.end(JSON.stringify({ transfer: "basic", objects }));
      });
      return true;
    };
    // The mock takes its commits as hashes of what it held itself; that it knows nothing of these files is no matter.
    await pushAdapter(folder, "me/mine", { private: true, settings: settings({ token: TOKEN }) });
    other.close();
    expect(authorized).toEqual([false]);
  });
});

it("a path is looked up once, whoever asks for it", async () => {
  const path = fresh();
  const ask = () => fetchHubAdapter(path, { settings: settings() });
  const [one, other] = await Promise.all([ask(), ask()]);
  expect(await ask()).toEqual(one);
  expect(other).toEqual(one);
  expect(hub.requests.filter(({ url }) => url.includes("/revision/"))).toHaveLength(1);
});

it("a commit that is none is refused", async () => {
  hub.instead = (url, response) => {
    if (url.includes("/revision/")) response.end(JSON.stringify({ sha: COMMIT.slice(1) }));
    return url.includes("/revision/");
  };
  expect(await refusalOf(fetchHubAdapter(fresh(), { settings: settings() }))).toContain(
    "gave no commit for revision main",
  );
});
