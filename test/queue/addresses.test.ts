import type { ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { TaskRow } from "../../src/evaluate/task-rows.ts";
import { runBenchFile } from "../../src/node/evaluate/run-bench.ts";
import { tuneMerge } from "../../src/node/evaluate/run-tune.ts";
import { mergeAdapters } from "../../src/node/merge-adapters.ts";
import { lookedUp } from "../../src/node/remote/web-adapters.ts";
import { reachQueue } from "../../src/queue/bull.ts";
import { mergeQueued } from "../../src/queue/merge-queued.ts";
import { type Place, placeOf } from "../../src/queue/places.ts";
import { Roots } from "../../src/queue/roots.ts";
import { benchQueued, tuneQueued } from "../../src/queue/score-queued.ts";
import { fakeLlama } from "../support/fake-llama.ts";
import { rejection } from "../support/memory-folder.ts";
import { MockWeb } from "../support/mock-web.ts";
import { tempFolder, writeAdapter } from "../support/pico.ts";
import { writePicoModel } from "../support/pico-model.ts";
import { contents, queueInputs } from "../support/queue-inputs.ts";
import { builtWorker, ended, HAS_REDIS, startRedis, startWorker, type TestRedis } from "../support/redis.ts";

const { folder, paths } = queueInputs();

let web: MockWeb;
let count = 0;
beforeAll(async () => {
  // Workers and producer have a cache each in life; here they share one.
  vi.stubEnv("HF_HUB_CACHE", join(tempFolder(), "hub"));
  web = await MockWeb.start();
});
afterAll(() => {
  vi.unstubAllEnvs();
  web.stop();
});
beforeEach(() => {
  Object.assign(web, { ranges: true, versions: "strong", instead: null });
});

/** Put an adapter below the server's folder of adapters. @returns its address */
function put(path: string, name = `a-${count++}`): string {
  for (const file of ["adapter_config.json", "adapter_model.safetensors"]) {
    web.files.set(`/adapters/${name}/${file}`, new Uint8Array(readFileSync(join(path, file))));
  }
  return `${web.origin}/adapters/${name}`;
}

const root = (): string => `${web.origin}/adapters/`;

describe("an address in a queue", () => {
  it("is taken below a root, with the content that the producer saw", async () => {
    await new Roots([folder, root()]).check(await placeOf(put(paths[0]!)));
  });

  it.each<[string, (origin: string) => string]>([
    ["beside the root", (origin) => `${origin}/adapters-too/a`],
    ["on a way up", (origin) => `${origin}/adapters/../secret`],
    ["on an encoded way up", (origin) => `${origin}/adapters/..%2fsecret`],
    ["of another scheme", (origin) => `${origin.replace("http:", "https:")}/adapters/a`],
    ["of another host", (origin) => `${origin.replace("127.0.0.1", "localhost")}/adapters/a`],
    ["of another port", (origin) => `${origin.replace(/\d+$/, "1")}/adapters/a`],
  ])("is left to others %s, and not asked for", async (_, address) => {
    web.requests.length = 0;
    const refused = rejection(new Roots([folder, root()]).check({ path: address(web.origin), print: "" }));
    expect((await refused).message).toMatch(
      / is not below .*\/adapters; start the worker with --root for it\.$|adapters\/; start/,
    );
    expect(web.requests).toEqual([]);
  });

  it("is left to others by a worker without a root for addresses", async () => {
    const place = await placeOf(put(paths[0]!));
    await expect(new Roots([folder]).check(place)).rejects.toThrow(/ is not below .*; start the worker with --root/);
  });

  it("is left to others when it redirects out of the roots, where nothing is asked", async () => {
    const place = await placeOf(put(paths[0]!));
    web.requests.length = 0;
    web.instead = (path, response) =>
      path.startsWith("/adapters/") && Boolean(response.writeHead(302, { Location: "/elsewhere" }).end());
    await expect(new Roots([root()]).check(place)).rejects.toThrow(
      /the server redirects to 127.*, out of http.*adapters\/; start the worker with --root for that address too\.$/,
    );
    expect(web.requests.some(({ path }) => path === "/elsewhere")).toBe(false);
  });

  it.each(["strong", "weak", "modified"] as const)(
    "is left to others with another content, by a %s version",
    async (versions) => {
      web.versions = versions;
      const address = put(paths[0]!);
      const place = await placeOf(address);
      expect(place).toEqual({
        path: address,
        print: expect.stringMatching(versions === "strong" ? /^etag:[0-9a-f]{64}$/ : /^sha256:[0-9a-f]{64}$/),
        stamp: "",
      });
      await new Roots([root()]).check(place);
      put(paths[1]!, address.split("/").at(-1));
      await expect(new Roots([root()]).check(place)).rejects.toThrow(
        /a-\d+ has another content now than where the work comes from; start the command again\.$/,
      );
    },
  );

  it("has the same print for the same bytes at another address without ETags", async () => {
    web.versions = "modified";
    const [one, two] = await Promise.all([placeOf(put(paths[0]!)), placeOf(put(paths[0]!))]);
    expect(one.print).toBe(two.print);
  });

  it("may hold no secret", async () => {
    const address = put(paths[0]!);
    for (const path of [`${address}?sig=s3cret`, address.replace("//", "//me:s3cret@")]) {
      await lookedUp(path);
      const error = await rejection(placeOf(address));
      expect(error.message).toMatch(
        /comes with a query, a user or a password, and what a queue holds is no secret; pass/,
      );
      const place: Omit<Place, "stamp"> = { path, print: "" };
      const refused = await rejection(new Roots([root()]).check(place));
      expect(refused.message).toMatch(/^An address has a query, a user or a password/);
      expect(error.message + refused.message).not.toContain("s3cret");
    }
  });
});

describe.runIf(HAS_REDIS)("a merge of addresses over a queue", { timeout: 300_000 }, () => {
  let redis: TestRedis;
  let workers: ChildProcess[] = [];
  const said: string[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    workers = [0, 1, 2].map(() => startWorker(redis.url, [folder, root()], (text) => said.push(text)));
  });
  afterAll(async () => {
    await Promise.all(workers.map(ended));
    await redis.stop();
  });

  it.each([
    ["downloaded", false, "strong"],
    ["downloaded, without ETags", false, "modified"],
    ["read by range", true, "strong"],
  ] as const)("writes the files of one machine, %s", async (_, stream, versions) => {
    web.versions = versions;
    const name = `m${count++}`;
    const inputs = [put(paths[0]!), put(paths[1]!), paths[2]!];
    const [alone, queued] = [join(folder, "alone", name), join(folder, "queued", name)];
    const recipe = { method: "svd", target: { kind: "rank", rank: 3 } } as const;
    await mergeAdapters(inputs, recipe, { out: alone, stream, threads: 1 });
    await mergeQueued(inputs, recipe, { out: queued, stream }, { url: redis.url });
    expect(contents(queued)).toEqual(contents(alone));
    // One that looks late may miss the folder of a finished merge.
    expect(said.join("")).not.toMatch(/adapters\/a-/);
  });

  it("puts no secret into Redis, and says what to do", async () => {
    const reached = await reachQueue(redis.url);
    const address = `${put(paths[0]!)}?sig=s3cret`;
    const out = join(folder, "secret");
    const error = await rejection(mergeQueued([address, paths[1]!], {}, { out }, { url: redis.url }));
    expect(error.message).toMatch(/comes with a query, a user or a password/);
    expect(await reached.client.hgetall("lora-lego:works")).toEqual({});
    await reached.close();
  });

  it("is left to others by a worker without that root, which says so", async () => {
    const own = await startRedis();
    const notices: string[] = [];
    const stranger = startWorker(own.url, [folder], () => {});
    let helper: ChildProcess | null = null;
    const onNotice = (text: string): void => {
      notices.push(text);
      helper ??= startWorker(own.url, [folder, root()]);
    };
    const inputs = [put(paths[0]!), put(paths[1]!)];
    await mergeQueued(inputs, { method: "cat" }, { out: join(folder, "helped") }, { url: own.url, onNotice });
    expect(notices.join("\n")).toMatch(
      /leaves these jobs to others: http:.*adapters\/a-\d+ is not below .*--root for it/,
    );
    await Promise.all([stranger, helper!].map(ended));
    await own.stop();
  });
});

describe.runIf(HAS_REDIS)("scores of addresses over a queue", { timeout: 300_000 }, () => {
  it("are those of one machine, in a benchmark and a search", async () => {
    const runWorker = await builtWorker();
    const redis = await startRedis();
    const home = tempFolder();
    const { base, layer } = writePicoModel(home);
    const addresses = [1, 2].map((b) =>
      put(writeAdapter(join(home, `own-${b}`), { modules: { [layer]: { A: [[1, 1]], B: [[b]] } } })),
    );
    const rowsOf = (task: string, many: number): TaskRow[] =>
      Array.from({ length: many }, (_, i) => ({ task, prompt: `${task} ${i}`, choices: ["yes", "no"], answer: i % 2 }));
    const file = join(home, "bench.yaml");
    const rows = [...rowsOf("one", 6), ...rowsOf("two", 6)];
    writeFileSync(join(home, "rows.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
    writeFileSync(
      file,
      `base: base\ntasks: { dev: rows.jsonl, test: rows.jsonl }\nadapters: [{ path: "${addresses[0]}", task: one }, { path: "${addresses[1]}", task: two }]\nmerges: [{ method: cat }]\nranks: [1]\nscales: [2]\n`,
    );
    const stop = new AbortController();
    const common = { url: redis.url, roots: [home, root()], lanes: 2, cache: null, signal: stop.signal };
    const working = runWorker({ ...common, llama: fakeLlama(), onNotice: () => {} });
    const alone = await runBenchFile(file, { cache: join(home, "alone"), threads: 1, llama: fakeLlama() });
    expect(await benchQueued(file, { cache: join(home, "queued") }, { url: redis.url })).toEqual(alone);
    const options = { base, rows, budget: 6, threads: 1, seed: 3 };
    const own = await tuneMerge(addresses, { ...options, out: join(home, "tuned"), llama: fakeLlama() });
    const queued = await tuneQueued(addresses, { ...options, out: join(home, "tuned-queued") }, { url: redis.url });
    expect({ ...queued, merged: null }).toEqual({ ...own, merged: null });
    expect(readFileSync(join(home, "tuned-queued", "recipe.yaml"), "utf8")).toContain(addresses[0]);
    stop.abort();
    await working;
    await redis.stop();
  });
});
