import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { mergeAdapters } from "../../src/node/merge-adapters.ts";
import { Board, queueName } from "../../src/queue/board.ts";
import { reachQueue } from "../../src/queue/bull.ts";
import { MAX_STALLS } from "../../src/queue/follower.ts";
import { mergeQueued } from "../../src/queue/merge-queued.ts";
import { decode, encode } from "../../src/queue/wire.ts";
import { MAIN, run } from "../cli/run.ts";
import { tempFolder } from "../support/pico.ts";
import { chaos } from "../support/queue-chaos.ts";
import { contents, NAMES, queueInputs } from "../support/queue-inputs.ts";
import { ended, HAS_REDIS, startRedis, startWorker } from "../support/redis.ts";

const { folder, paths } = queueInputs();
/** A job for each module, and one for the hash of each adapter. */
const JOBS = NAMES.length + paths.length;

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
    while ((await queue.getWaitingCount()) < JOBS) await setTimeout(50);
    await ended(producer);
    // Its jobs are done while nobody waits for them.
    const worker = startWorker(redis.url, [folder]);
    while ((await queue.getCompletedCount()) < JOBS) await setTimeout(50);
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

  it.each([
    ["another job", encode({ result: { kind: "extra" } })],
    ["nothing", null],
  ])("does again what a worker returned of %s, and puts it aside with who did it", async (_, returned) => {
    const redis = await startRedis();
    const reached = await reachQueue(redis.url);
    const board = new Board(reached.client);
    const liar = (async () => {
      let [id] = await board.works();
      for (; id === undefined; [id] = await board.works()) await setTimeout(50);
      return new reached.bull.Worker(queueName(id), async () => returned, {
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

  it("puts a job aside whose workers hang again and again, and says so", async () => {
    const redis = await startRedis();
    const reached = await reachQueue(redis.url);
    const board = new Board(reached.client);
    const hanging = (async () => {
      let [id] = await board.works();
      for (; id === undefined; [id] = await board.works()) await setTimeout(50);
      const hang = { lockDuration: 50, skipLockRenewal: true, stalledInterval: 100, maxStalledCount: MAX_STALLS };
      const worker = new reached.bull.Worker(queueName(id), () => new Promise<string>(() => {}), {
        connection: reached.connection,
        concurrency: JOBS * 10,
        ...hang,
      });
      // It complains that its jobs went to others.
      return worker.on("error", () => {});
    })();
    const merged = mergeQueued(paths, { method: "svd" }, { out: join(folder, "hung") }, { url: redis.url });
    await expect(merged).rejects.toThrow(
      /was put aside: its workers ended or fell silent \d+ times while they worked on it.*; it may need more memory/,
    );
    await (await hanging).close(true);
    await reached.close();
    await redis.stop();
  });

  it("takes the result of a job that failed at first", async () => {
    const redis = await startRedis();
    const reached = await reachQueue(redis.url);
    const board = new Board(reached.client);
    const onceFailing = (async () => {
      let [id] = await board.works();
      for (; id === undefined; [id] = await board.works()) await setTimeout(50);
      let failed = 0;
      const fail = async (): Promise<string> => {
        failed++;
        throw new Error("EIO: once");
      };
      const worker = new reached.bull.Worker(queueName(id), fail, {
        connection: reached.connection,
        concurrency: JOBS,
      });
      while (failed < JOBS) await setTimeout(10);
      await worker.close();
      return startWorker(redis.url, [folder]);
    })();
    const out = join(folder, "once");
    await mergeQueued(paths, { method: "svd" }, { out }, { url: redis.url });
    expect(existsSync(out)).toBe(true);
    await ended(await onceFailing);
    await reached.close();
    await redis.stop();
  });

  it("announces its work again after Redis lost all that it had", async () => {
    const redis = await startRedis();
    const reached = await reachQueue(redis.url);
    const board = new Board(reached.client);
    const out = join(folder, "flushed");
    const merged = mergeQueued(paths, { method: "svd" }, { out }, { url: redis.url });
    let [id] = await board.works();
    for (; id === undefined; [id] = await board.works()) await setTimeout(50);
    const queue = new reached.bull.Queue(queueName(id), { connection: reached.connection });
    while ((await queue.getWaitingCount()) < JOBS) await setTimeout(50);
    spawnSync("redis-cli", ["-u", redis.url, "flushall"]);
    expect(await board.works()).toEqual([]);
    const worker = startWorker(redis.url, [folder]);
    await merged;
    expect([existsSync(out), await board.works()]).toEqual([true, []]);
    await ended(worker);
    await queue.close();
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
      while ((await queue.getDelayedCount()) < JOBS) await setTimeout(50);
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
