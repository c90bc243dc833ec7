import { lstatSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Board } from "../../src/queue/board.ts";
import { reachQueue } from "../../src/queue/bull.ts";
import { LanePool } from "../../src/queue/lane-pool.ts";
import { openMergeDesk } from "../../src/queue/merge-desk.ts";
import { mergeQueued } from "../../src/queue/merge-queued.ts";
import { Roots } from "../../src/queue/roots.ts";
import { decode } from "../../src/queue/wire.ts";
import type { MergeWork } from "../../src/queue/work.ts";
import { tempFolder } from "../support/pico.ts";
import { queueInputs } from "../support/queue-inputs.ts";
import { HAS_REDIS, startRedis } from "../support/redis.ts";

const { folder, paths } = queueInputs();

describe.runIf(HAS_REDIS)("a link in the place of a shared output", { timeout: 300_000 }, () => {
  it("is written through by neither worker nor producer", async () => {
    const redis = await startRedis();
    const reached = await reachQueue(redis.url);
    const board = new Board(reached.client);
    const out = join(folder, "linked");
    const announced = async (): Promise<{ readonly work: MergeWork; readonly end: () => Promise<unknown> }> => {
      const stop = new AbortController();
      const merged = mergeQueued(paths, { method: "svd" }, { out }, { url: redis.url, signal: stop.signal });
      const failed = merged.catch((error: unknown) => error);
      let [id] = await board.works();
      for (; id === undefined; [id] = await board.works()) await setTimeout(50);
      const work = decode((await board.textOf(id))!) as MergeWork;
      return {
        work,
        end: async () => {
          stop.abort();
          await failed;
          await board.withdraw(id);
        },
      };
    };
    const first = await announced();
    const shared = `${out}.queue`;
    const file = join(shared, readdirSync(shared)[0]!);
    const pool = new LanePool(1);
    const open = () => openMergeDesk(first.work, new Roots([folder]), pool);
    const desk = await open();
    await first.end();

    const outside = join(tempFolder(), "victim");
    const inside = join(folder, "victim");
    const victims = [outside, inside];
    for (const victim of victims) writeFileSync(victim, "x".repeat(statSync(file).size));
    const before = readFileSync(outside, "utf8");
    const linkTo = (victim: string): void => {
      rmSync(file);
      symlinkSync(victim, file);
    };
    linkTo(outside);
    await expect(open()).rejects.toThrow(/is not below .*; start the worker with --root/);
    await expect(desk.run('{"kind":"modules","indices":[0]}')).rejects.toThrow(/is not below/);
    linkTo(inside);
    await expect(open()).rejects.toThrow(/^There is no .* bytes here; mount the producer's folder/);
    linkTo(outside);
    const second = await announced();
    expect(lstatSync(file).isFile()).toBe(true);
    await second.end();
    for (const victim of victims) expect(readFileSync(victim, "utf8")).toBe(before);
    await desk.close();
    await pool.close();
    await reached.close();
    await redis.stop();
  });
});
