import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mergeAdapters } from "../../src/node/merge-adapters.ts";
import { Board } from "../../src/queue/board.ts";
import { reachQueue } from "../../src/queue/bull.ts";
import { mergeQueued } from "../../src/queue/merge-queued.ts";
import type { ProducerControl } from "../../src/queue/producer.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { randomAdapter, writeAdapter } from "../support/pico.ts";
import { contents, NAMES, queueInputs, SHAPE } from "../support/queue-inputs.ts";
import { ended, HAS_REDIS, startRedis, startWorker, type TestRedis } from "../support/redis.ts";

const { folder, paths } = queueInputs();
let made = 0;

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
    const hashes = paths.map((path) => `the hash of ${basename(path)}`);
    for (const name of statuses) expect([...NAMES, ...hashes]).toContain(name);
  });

  it("throws what a merge on one machine throws", async () => {
    const bad = writeAdapter(join(folder, "nan"), randomAdapter(3, SHAPE));
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

describe("a merge that needs the base model", () => {
  it("is refused before Redis is asked", async () => {
    const options = { out: join(folder, "baked"), base: folder };
    const merged = mergeQueued(paths, { dora: "bake" }, options, { url: "redis://127.0.0.1:1" });
    await expect(merged).rejects.toThrow(/^--dora bake reads the base model, which workers do not; leave --queue out/);
  });
});
