import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LoraLegoError } from "../../src/core/errors.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { MockHub, TOKEN } from "../support/mock-hub.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";

const WEIGHTS = "adapter_model.safetensors";
const CONFIG = "adapter_config.json";
/** A connection that brings nothing is given up after this, four times for each file and answer. */
const PATIENCE_MS = 100;
const MOST_MS = 30_000;
const CASES = 400;

const folder = writeAdapter(join(tempFolder(), "adapter"), randomAdapter(1));
const bytesOf = (file: string): Uint8Array => new Uint8Array(readFileSync(join(folder, file)));
const weights = bytesOf(WEIGHTS);
const bomb = gzipSync(new Uint8Array(256 << 20));
const names: string[] = Array.from({ length: CASES * 2 + 300 }, (_, i) => `owner/model-${i}`);

let hub: MockHub;
let count = 0;

beforeAll(async () => {
  const files = { [CONFIG]: bytesOf(CONFIG), [WEIGHTS]: weights };
  hub = await MockHub.start(Object.fromEntries(names.map((name) => [name, { files, large: [WEIGHTS] }])));
});
afterAll(() => hub.stop());

/** Send chunks as fast as they are taken, without end. */
function flood(response: ServerResponse, chunk: Uint8Array): void {
  const more = (): void => {
    if (!response.destroyed) response.write(chunk, more);
  };
  more();
}

/** Ways to answer that are not as they should be; the rest is the mock's. */
const BEHAVIOURS: Readonly<Record<string, (response: ServerResponse, request: IncomingMessage) => void>> = {
  silent: () => {},
  headersOnly: (response) => response.writeHead(200).flushHeaders(),
  drip: (response) => {
    response.writeHead(206);
    const drip = setInterval(() => response.write("["), 10);
    response.on("close", () => clearInterval(drip));
  },
  flood: (response) => flood(response.writeHead(200), new Uint8Array(1 << 20)),
  floodOfParts: (response) => flood(response.writeHead(206), new Uint8Array(1 << 20)),
  floodOfSpaces: (response) => flood(response.writeHead(200), Buffer.alloc(1 << 20, " ")),
  bomb: (response) => response.writeHead(200, { "Content-Encoding": "gzip" }).end(bomb),
  noGzip: (response) => response.writeHead(206, { "Content-Encoding": "gzip" }).end("no gzip"),
  reset: (response) => response.socket!.resetAndDestroy(),
  halfway: (response) => response.writeHead(206, { "Content-Length": 500 }).write("x", () => response.destroy()),
  empty: (response) => response.writeHead(206).end(),
  nothing: (response) => response.writeHead(204).end(),
  oneMore: (response) => response.writeHead(206).end(new Uint8Array(weights.length + 1)),
  otherPart: (response) => response.writeHead(206, { "Content-Range": "bytes 7-9/10" }).end("789"),
  badRange: (response) => response.writeHead(206, { "Content-Range": "bytes */*" }).end("789"),
  notSatisfiable: (response) => response.writeHead(416).end(),
  zeroes: (response) => response.writeHead(206).end(new Uint8Array(weights.length)),
  loop: (response, request) => response.writeHead(302, { Location: request.url! }).end(),
  redirectToNothing: (response) => response.writeHead(302, { Location: "http://127.0.0.1:9/" }).end(),
  redirectNowhere: (response) => response.writeHead(302, { Location: "::" }).end(),
  teapot: (response) => response.writeHead(418, { "X-Error-Code": "\u00ff" }).end("x".repeat(1000)),
  busy: (response) => response.writeHead(503, { "Retry-After": "0.001" }).end(),
  busyForEver: (response) => flood(response.writeHead(503), new Uint8Array(1 << 20)),
  array: (response) => response.writeHead(200).end("[".repeat(1 << 20)),
  deep: (response) => response.writeHead(200).end("[".repeat(1 << 20) + "]".repeat(1 << 20)),
  null: (response) => response.writeHead(200).end("null"),
  nulls: (response) => response.writeHead(200).end("[null]"),
  pagesForEver: (response) => response.writeHead(200, { Link: '<?a>; rel="next"' }).end("[]"),
  foreignPage: (response) => response.writeHead(200, { Link: '<http://evil.example/>; rel="next"' }).end("[]"),
  badPage: (response) => response.writeHead(200, { Link: '<http://[>; rel="next"' }).end("[]"),
  otherSizes: (response) => {
    const large = (path: string, size: number) => ({ type: "file", path, size, oid: "a".repeat(40) });
    response.writeHead(200).end(JSON.stringify([large(CONFIG, 9), large(WEIGHTS, Number.MAX_SAFE_INTEGER)]));
  },
};

/** Open an adapter with the mock's answers replaced in turn; null stands for its own. */
async function survives(behaviours: readonly (string | null)[], stream: boolean): Promise<void> {
  const cache = tempFolder();
  let turn = 0;
  hub.instead = (_, response, request) => {
    const behaviour = behaviours[turn++ % behaviours.length] ?? null;
    if (behaviour !== null) BEHAVIOURS[behaviour]!(response, request);
    return behaviour !== null;
  };
  const began = performance.now();
  const path = `hf://${names[count++]!}`;
  try {
    const opened = await openAdapterPath(path, {
      stream,
      settings: hub.settings(cache, { patience: PATIENCE_MS, token: TOKEN }),
    });
    expect(opened.adapter.modules.size).toBe(2);
    if (!stream) expect(readFileSync(join(opened.folder!, WEIGHTS)).equals(weights)).toBe(true);
    opened.close();
  } catch (error) {
    if (!(error instanceof LoraLegoError)) throw error;
    expect(error.message).toMatch(/^[^\n]+\.$/);
    expect(error.message.length).toBeLessThan(1000);
  }
  expect(performance.now() - began).toBeLessThan(MOST_MS);
  const blobs = join(cache, `models--${path.slice(5).replace("/", "--")}`, "blobs");
  for (const blob of existsSync(blobs) ? readdirSync(blobs) : []) {
    expect(blob).toMatch(/^[0-9a-f]+(\.incomplete)?$/);
    expect(statSync(join(blobs, blob)).size).toBeLessThanOrEqual(weights.length);
  }
}

describe("a hostile Hub", () => {
  it.each(Object.keys(BEHAVIOURS).flatMap((name) => [0, 1, 2, 3].map((after) => [name, after] as const)))(
    "is refused in words and bounded time: %s, after %i sound answers",
    async (name, after) => {
      // What goes on once it began to; then the Hub is as it should be again.
      const behaviours = [
        ...Array<null>(after).fill(null),
        ...Array<string>(12).fill(name),
        ...Array<null>(200).fill(null),
      ];
      await survives(behaviours, false);
      await survives(behaviours, true);
    },
    120_000,
  );

  it("is refused in words and bounded time: answers at random", async () => {
    const behaviour = fc.option(fc.constantFrom(...Object.keys(BEHAVIOURS)), { freq: 2 });
    await fc.assert(fc.asyncProperty(fc.array(behaviour, { minLength: 1, maxLength: 12 }), fc.boolean(), survives), {
      numRuns: CASES,
      seed: 16,
      endOnFailure: true,
    });
  }, 1_200_000);

  it("keeps memory within bounds, however much it sends", async () => {
    const before = process.memoryUsage().rss;
    for (const name of ["flood", "floodOfParts", "floodOfSpaces", "bomb"]) {
      for (const after of [0, 1, 2, 3])
        await survives([...Array<null>(after).fill(null), ...Array<string>(200).fill(name)], true);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(600e6);
  }, 240_000);
});
