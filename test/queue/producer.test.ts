import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { VERSION } from "../../src/core/version.ts";
import { reachQueue } from "../../src/queue/bull.ts";
import { Producer } from "../../src/queue/producer.ts";
import type { Work } from "../../src/queue/work.ts";
import { ended, HAS_REDIS, startRedis, startWorker } from "../support/redis.ts";

const WORK = { kind: "tune", version: VERSION, owner: "a test" } as unknown as Work;
const JOBS = 300;

describe.runIf(HAS_REDIS)("a producer", { timeout: 120_000 }, () => {
  it("that is told to end while it announces its work waits for nothing", async () => {
    const redis = await startRedis();
    const stop = new AbortController();
    const opened = Producer.with(redis.url, { signal: stop.signal }, (producer) => {
      const opening = producer.open(WORK, async () => null);
      stop.abort(new Error("interrupted"));
      return opening;
    });
    await expect(opened).rejects.toThrow("interrupted");
    await redis.stop();
  });

  it("asks once for all jobs that wait, not once for each", async () => {
    const redis = await startRedis();
    const stop = new AbortController();
    const reached = await reachQueue(redis.url);
    const asked = async (): Promise<number> => {
      const text = await reached.client.info();
      return Number(/total_commands_processed:(\d+)/.exec(text)![1]);
    };
    const producing = Producer.with(redis.url, { signal: stop.signal }, async (producer) => {
      const { run } = await producer.open(WORK, async () => null);
      await Promise.all(Array.from({ length: JOBS }, (_, job) => run(`job ${job}`, { job })));
    });
    // All are sent, and older than one sweep.
    await setTimeout(6000);
    const before = await asked();
    await setTimeout(6000);
    expect((await asked()) - before).toBeLessThan(JOBS / 2);
    stop.abort(new Error("enough"));
    await expect(producing).rejects.toThrow("enough");
    await reached.close();
    await redis.stop();
  });
});

describe.runIf(HAS_REDIS)("a worker", { timeout: 120_000 }, () => {
  it("that is told to end while Redis is away ends", async () => {
    const redis = await startRedis();
    let takes = (): void => {};
    const ready = new Promise<void>((resolve) => {
      takes = resolve;
    });
    const worker = startWorker(redis.url, [], (text) => text.includes("takes jobs") && takes());
    await ready;
    await redis.stop();
    const end = new Promise((resolve) => worker.once("exit", (code) => resolve(code)));
    worker.kill("SIGTERM");
    expect(await Promise.race([end, setTimeout(60_000, "still there")])).toBe(0);
    await ended(worker);
  });
});
