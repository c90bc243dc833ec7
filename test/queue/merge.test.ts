import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mergeAdapters } from "../../src/node/merge-adapters.ts";
import { Board, queueName } from "../../src/queue/board.ts";
import { reachQueue } from "../../src/queue/bull.ts";
import { mergeQueued } from "../../src/queue/merge-queued.ts";
import type { ProducerControl } from "../../src/queue/producer.ts";
import { decode, encode } from "../../src/queue/wire.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { MAIN, run } from "../cli/run.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { chaos } from "../support/queue-chaos.ts";
import { ended, freePort, HAS_REDIS, startRedis, startWorker, type TestRedis } from "../support/redis.ts";

const folder = tempFolder();
const names = Array.from({ length: 12 }, (_, i) => `layers.${i}.q_proj`);
const modules = Object.fromEntries(names.map((name) => [name, { in: 24, out: 20 }]));
const paths = [0, 1, 2].map((seed) =>
  writeAdapter(join(folder, `a${seed}`), randomAdapter(seed, { modules, rank: 4 })),
);
const BUILT_BULL = new URL("../../build/lib/queue/bull.js", import.meta.url).href;
let made = 0;

/** Every file of a folder, with its bytes. */
const contents = (path: string): [string, string][] =>
  readdirSync(path)
    .sort()
    .map((name) => [name, readFileSync(join(path, name)).toString("base64")]);

describe.runIf(HAS_REDIS)("a merge over a queue", { timeout: 300_000 }, () => {
  let redis: TestRedis;
  let workers: ChildProcess[] = [];
  const said: string[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    workers = [0, 1, 2].map(() => startWorker(redis.url, [folder], (text) => said.push(text)));
  });
  afterAll(async () => {
    await Promise.all(workers.map(ended));
    await redis.stop();
  });

  /** Merge both ways, into folders of the same name. */
  async function both(recipe: Recipe, told: ProducerControl = {}): Promise<[string, string]> {
    const name = `m${made++}`;
    const [alone, queued] = [join(folder, "alone", name), join(folder, "queued", name)];
    await mergeAdapters(paths, recipe, { out: alone, threads: 1 });
    await mergeQueued(paths, recipe, { out: queued }, { url: redis.url, ...told });
    expect(existsSync(`${queued}.queue`)).toBe(false);
    return [alone, queued];
  }

  it.each<Recipe>([
    { method: "lego" },
    { method: "svd", target: { kind: "rank", rank: 3 } },
    { method: "tsv", scale: "auto" },
    { method: "average", dtype: "f16" },
    { method: "svd", target: { kind: "budget", rank: 3 } },
  ])("writes the files of one machine: %j", async (recipe) => {
    const [alone, queued] = await both(recipe);
    expect(contents(queued)).toEqual(contents(alone));
  });

  it("shares the modules out, says who works on what, and leaves nothing in Redis", async () => {
    const reached = await reachQueue(redis.url);
    const before = await reached.client.info();
    const statuses: string[] = [];
    await both({ method: "ties_svd" }, { onStatus: ({ working }) => statuses.push(...working.map(({ job }) => job)) });
    expect(await new Board(reached.client).works()).toEqual([]);
    expect(await reached.client.hgetall("lora-lego:works")).toEqual({});
    expect(/keyspace/i.test(before)).toBe(true);
    await reached.close();
    for (const name of statuses) expect(names).toContain(name);
  });

  it("throws what a merge on one machine throws", async () => {
    const bad = writeAdapter(join(folder, "nan"), randomAdapter(3, { modules, rank: 4 }));
    const file = join(bad, "adapter_model.safetensors");
    const bytes = readFileSync(file);
    bytes.writeFloatLE(Number.NaN, bytes.length - 4);
    writeFileSync(file, bytes);
    const errorOf = (merge: Promise<unknown>) =>
      merge.then(
        () => null,
        (error: Error) => [error.name, error.message],
      );
    const inputs = [paths[0]!, bad];
    const alone = await errorOf(mergeAdapters(inputs, { method: "svd" }, { out: join(folder, "x"), threads: 1 }));
    const queued = errorOf(mergeQueued(inputs, { method: "svd" }, { out: join(folder, "y") }, { url: redis.url }));
    expect(await queued).toEqual(alone);
    expect(alone![0]).toBe("FormatError");
    expect(existsSync(join(folder, "y"))).toBe(false);
  });

  it("goes on after Redis was restarted", async () => {
    let restarted: Promise<void> | null = null;
    const onProgress = (): void => {
      restarted ??= redis.restart();
    };
    const out = join(folder, "restarted");
    await mergeQueued(paths, { method: "svd" }, { out, onProgress }, { url: redis.url });
    await restarted;
    await mergeAdapters(paths, { method: "svd" }, { out: join(folder, "one", "restarted"), threads: 1 });
    expect(contents(out)).toEqual(contents(join(folder, "one", "restarted")));
  });
});

describe.runIf(HAS_REDIS)("a queue whose workers or producers fail", { timeout: 300_000 }, () => {
  it("hands the jobs of killed workers to others, and counts each once", async () => {
    const { same, done, kills } = await chaos(tempFolder(), 40, 300, 3);
    expect([same, done, kills > 0]).toEqual([true, 40, true]);
  });

  it("is found again by a producer that was killed, which does nothing twice", async () => {
    const redis = await startRedis();
    const out = join(folder, "resumed");
    const producer = spawn(process.execPath, [
      MAIN,
      "merge",
      ...paths,
      "--method",
      "svd",
      "--out",
      out,
      "--queue",
      redis.url,
    ]);
    const reached = await reachQueue(redis.url);
    const board = new Board(reached.client);
    let [id] = await board.works();
    for (; id === undefined; [id] = await board.works()) await setTimeout(50);
    const queue = new reached.bull.Queue(queueName(id), { connection: reached.connection });
    while ((await queue.getWaitingCount()) < names.length + paths.length) await setTimeout(50);
    await ended(producer);
    // Its jobs are done while nobody waits for them.
    const worker = startWorker(redis.url, [folder]);
    while ((await queue.getCompletedCount()) < names.length + paths.length) await setTimeout(50);
    await ended(worker);
    const { code, stderr } = await run(
      ["merge", ...paths, "--method", "svd", "--out", out, "--queue", redis.url, "--quiet"],
      {},
    );
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("No worker")]);
    await mergeAdapters(paths, { method: "svd" }, { out: join(folder, "other", "resumed"), threads: 1 });
    expect(contents(out)).toEqual(contents(join(folder, "other", "resumed")));
    await queue.close();
    await reached.close();
    await redis.stop();
  });

  it("does again what a worker returned of other bytes, or of another job, and puts it aside with who did it", async () => {
    const redis = await startRedis();
    const reached = await reachQueue(redis.url);
    const board = new Board(reached.client);
    const liar = (async () => {
      let [id] = await board.works();
      for (; id === undefined; [id] = await board.works()) await setTimeout(50);
      return new reached.bull.Worker(queueName(id), async () => encode({ result: { kind: "extra" } }), {
        connection: reached.connection,
        name: "liar:1",
      });
    })();
    const merged = mergeQueued(paths, { method: "svd" }, { out: join(folder, "lied") }, { url: redis.url });
    await expect(merged).rejects.toThrow(/^liar:1 returned a result of .*, which is no result of such a job; update/);
    await (await liar).close();
    await reached.close();
    await redis.stop();
  });

  it("puts a job aside that fails each time, with the reason, and says how to go on", async () => {
    const redis = await startRedis();
    const reached = await reachQueue(redis.url);
    const board = new Board(reached.client);
    const failing = (async () => {
      let [id] = await board.works();
      for (; id === undefined; [id] = await board.works()) await setTimeout(50);
      const fail = async (): Promise<string> => {
        throw new Error("EIO: the disk is gone");
      };
      return new reached.bull.Worker(queueName(id), fail, {
        connection: reached.connection,
        name: "pc:1",
        concurrency: 20,
      });
    })();
    const merged = mergeQueued(paths, { method: "svd" }, { out: join(folder, "poisoned") }, { url: redis.url });
    await expect(merged).rejects.toThrow(
      /was put aside: it failed 3 times, last on pc:1 \(EIO: the disk is gone\); mend the cause, and start the same command/,
    );
    await (await failing).close();
    await reached.close();
    await redis.stop();
  });

  it("tries a job again in time that a worker with a clock a day ahead put off", async () => {
    const redis = await startRedis();
    const reached = await reachQueue(redis.url);
    const board = new Board(reached.client);
    const ahead = (async () => {
      let [id] = await board.works();
      for (; id === undefined; [id] = await board.works()) await setTimeout(50);
      const putOff = async (job: import("bullmq").Job, token?: string): Promise<string> => {
        await job.moveToDelayed(Date.now() + 24 * 3_600_000, token);
        throw new reached.bull.DelayedError();
      };
      const worker = new reached.bull.Worker(queueName(id), putOff, {
        connection: reached.connection,
        concurrency: 20,
      });
      const queue = new reached.bull.Queue(queueName(id), { connection: reached.connection });
      while ((await queue.getDelayedCount()) < names.length + paths.length) await setTimeout(50);
      await worker.close();
      await queue.close();
      return startWorker(redis.url, [folder]);
    })();
    const out = join(folder, "ahead");
    await mergeQueued(paths, { method: "svd" }, { out }, { url: redis.url });
    expect(existsSync(out)).toBe(true);
    await ended(await ahead);
    await reached.close();
    await redis.stop();
  });

  it("has workers leave to others what they cannot do, and tells the producer why", async () => {
    const redis = await startRedis();
    const stranger = startWorker(redis.url, [tempFolder()]);
    const told: string[] = [];
    const stop = new AbortController();
    const control = { url: redis.url, signal: stop.signal, onNotice: (text: string) => told.push(text) };
    const out = join(folder, "left");
    const merged = mergeQueued(paths, { method: "svd" }, { out, signal: stop.signal }, control).catch(() => "stopped");
    while (told.length === 0) await setTimeout(100);
    expect(told[0]).toMatch(/:\d+ leaves these jobs to others: .*a0 is not below .*; start the worker with --root/);
    // Work of another version, which a producer of that version announced.
    const reached = await reachQueue(redis.url);
    const board = new Board(reached.client);
    const [id] = await board.works();
    const other = await board.announce(encode({ ...(decode((await board.textOf(id!))!) as object), version: "9.9.9" }));
    let refusals = await board.refusals(other);
    for (; Object.keys(refusals).length === 0; refusals = await board.refusals(other)) await setTimeout(100);
    expect(Object.values(refusals)[0]).toMatch(/^It is lora-lego .*, but the jobs are of 9\.9\.9; install the same/);
    stop.abort();
    expect(await merged).toBe("stopped");
    await reached.close();
    await ended(stranger);
    await redis.stop();
  });
});

describe("a merge that needs the base model", () => {
  it("is refused before Redis is asked", async () => {
    const options = { out: join(folder, "baked"), base: folder };
    const merged = mergeQueued(paths, { dora: "bake" }, options, { url: "redis://127.0.0.1:1" });
    await expect(merged).rejects.toThrow(/^--dora bake reads the base model, which workers do not; leave --queue out/);
  });
});

describe.runIf(HAS_REDIS)("the address of a queue", () => {
  it("must be reachable, and its password is never shown", async () => {
    const redis = await startRedis(["--requirepass", "secret"]);
    const withPassword = redis.url.replace("//", "//:secret@");
    await (await reachQueue(withPassword)).close();
    await expect(reachQueue(redis.url.replace("//", "//:wrong@"))).rejects.toThrow(
      /^Redis at redis:\/\/127\.0\.0\.1:\d+ does not answer \(.*\); start redis-server there, or correct --queue\.$/,
    );
    await redis.stop();
    await expect(reachQueue(withPassword)).rejects.toThrow(/does not answer \(.*ECONNREFUSED.*\)/);
  });

  it("with TLS is trusted by its certificate alone", async () => {
    const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    const about = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
    const made = spawnSync("openssl", [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      key,
      "-out",
      certificate,
      ...about,
    ]);
    expect(made.status).toBe(0);
    const files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate];
    const plain = await freePort();
    const redis = await startRedis(["--tls-port", String(plain), "--tls-auth-clients", "no", ...files]);
    const url = `rediss://127.0.0.1:${plain}`;
    await expect(reachQueue(url)).rejects.toThrow(/^Redis at rediss:.* does not answer \(self-signed certificate\)/);
    const script = `import { reachQueue } from ${JSON.stringify(BUILT_BULL)}; await (await reachQueue(${JSON.stringify(url)})).close();`;
    const trusting = { ...process.env, NODE_EXTRA_CA_CERTS: certificate };
    expect(spawnSync(process.execPath, ["--input-type=module", "-e", script], { env: trusting }).status).toBe(0);
    await redis.stop();
  });

  it.each(["http://host", "host:6379", "redis://", ""])("is not %j", async (url) => {
    await expect(reachQueue(url)).rejects.toThrow(/^--queue is no address of a Redis; write redis:\/\/host:6379/);
  });
});
