import { describe, expect, it } from "vitest";
import { RefusedError } from "../../src/core/errors.ts";
import { noTimings } from "../../src/lanes/clock.ts";
import type { Job, Lane } from "../../src/lanes/lane.ts";
import type { LaneAnswer, Written } from "../../src/lanes/lane-protocol.ts";
import { laneServer, type ServedLane } from "../../src/lanes/lane-server.ts";
import { type LaneEvents, type LanePort, RemoteLane } from "../../src/lanes/remote-lane.ts";
import type { MergePlan } from "../../src/plan/merge-plan.ts";
import { rejection } from "../support/memory-folder.ts";

const planFor = (base: string) => ({ base }) as unknown as MergePlan;
const hash = (input: number): Job => ({ kind: "hash", input });

/** Lanes of a worker that answer with their plan and setup, and write one byte a job. */
class Worker {
  readonly did: string[] = [];

  open = async (plan: MergePlan, setup: string): Promise<ServedLane> => {
    this.did.push(`open ${setup}`);
    if (setup === "broken") throw new RefusedError("this plan cannot be opened");
    let written: Written[] = [];
    const lane: Lane = {
      depth: 1,
      run: async (job) => {
        const { input } = job as { input: number };
        if (input === 13) throw new RefusedError("job 13 is refused");
        this.did.push(`begin ${input}`);
        await new Promise((resolve) => setImmediate(resolve));
        this.did.push(`end ${input}`);
        written.push({ offset: input, bytes: Uint8Array.of(input) });
        return { kind: "hash", input, sha256: `${(plan as unknown as { base: string }).base} ${setup}` };
      },
      timings: async () => ({ ...noTimings(), read: 2, hash: 3 }),
      ...(setup !== "untold" && { spans: async () => [{ name: "read", start: 1, end: 3 }] }),
    };
    return {
      lane,
      takeWritten: () => {
        const taken = written;
        written = [];
        return taken;
      },
      close: () => this.did.push(`close ${setup}`),
    };
  };
}

/** A remote lane and its worker in one thread, with copies of all messages as between threads. */
function connected(): { lane: RemoteLane<string>; worker: Worker; events: LaneEvents } {
  const worker = new Worker();
  let events: LaneEvents | undefined;
  const lane = new RemoteLane<string>((own): LanePort<string> => {
    events = own;
    const serve = laneServer<string>(worker.open, (answer) => own.answered(structuredClone(answer)));
    return { post: (request) => serve(structuredClone(request)), close: () => void worker.did.push("terminated") };
  });
  return { lane, worker, events: events! };
}

describe("a lane in a worker", () => {
  it("runs the jobs of its plan one after the other, and writes for it in their order", async () => {
    const { lane, worker } = connected();
    const bytes: (readonly [number, number])[] = [];
    lane.begin(planFor("base"), "files", async ({ offset, bytes: [byte] }) => void bytes.push([offset, byte!]));
    const results = await Promise.all([1, 2, 3].map((input) => lane.run(hash(input))));
    expect(results).toEqual([1, 2, 3].map((input) => ({ kind: "hash", input, sha256: "base files" })));
    expect(worker.did).toEqual(["open files", "begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]);
    expect(bytes).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    expect(await lane.timings()).toEqual({ ...noTimings(), read: 2, hash: 3 });
    expect(await lane.spans()).toEqual([{ name: "read", start: 1, end: 3 }]);
    lane.begin(planFor("base"), "untold");
    expect(await lane.spans()).toEqual([]);
  });

  it("goes over to another plan, closing the earlier one; its bytes go to the latest writer that was given", async () => {
    const { lane, worker } = connected();
    const written: string[] = [];
    lane.begin(planFor("one"), "first", async () => void written.push("to the first"));
    await lane.run(hash(1));
    lane.begin(planFor("other"), "second", async () => void written.push("to the second"));
    expect(await lane.run(hash(2))).toMatchObject({ sha256: "other second" });
    lane.begin(planFor("other"), "third");
    await lane.run(hash(3));
    expect(worker.did.filter((did) => !/begin|end/.test(did))).toEqual([
      "open first",
      "close first",
      "open second",
      "close second",
      "open third",
    ]);
    expect(written).toEqual(["to the first", "to the second", "to the second"]);
  });

  it("ends a plan, which closes its files, and begins another", async () => {
    const { lane, worker } = connected();
    lane.begin(planFor("one"), "first");
    await lane.run(hash(1));
    await lane.end();
    await lane.end();
    expect(worker.did).toEqual(["open first", "begin 1", "end 1", "close first"]);
    expect((await rejection(lane.run(hash(2)))).message).toContain("before it had a plan");
    lane.begin(planFor("one"), "second");
    await lane.run(hash(3));
    expect(worker.did.slice(4)).toEqual(["open second", "begin 3", "end 3"]);
  });

  it("fails by the worker's error in its own class, and goes on with other jobs", async () => {
    const { lane } = connected();
    lane.begin(planFor("base"), "files");
    const [refused, next] = [rejection(lane.run(hash(13))), lane.run(hash(1))];
    expect(await refused).toEqual(new RefusedError("job 13 is refused"));
    expect(await next).toMatchObject({ input: 1 });
  });

  it("fails its jobs by the error of a plan that cannot be begun", async () => {
    const { lane } = connected();
    lane.begin(planFor("base"), "broken");
    expect(await rejection(lane.run(hash(1)))).toEqual(new RefusedError("this plan cannot be opened"));
  });

  it("cannot run or tell timings before it has a plan", async () => {
    const { lane } = connected();
    for (const asked of [lane.run(hash(1)), lane.timings(), lane.spans()]) {
      expect((await rejection(asked)).message).toContain("a worker was asked to run before it had a plan");
    }
  });

  it("fails what waits and what follows once its worker ended, by the first reason", async () => {
    const { lane, worker, events } = connected();
    lane.begin(planFor("base"), "files");
    await lane.run(hash(1));
    const waiting = [lane.run(hash(2)), lane.timings()].map(rejection);
    await Promise.resolve();
    events.failed(new Error("the thread ran out of memory"));
    events.failed(new Error("the thread ended"));
    for (const failure of waiting) expect((await failure).message).toBe("the thread ran out of memory");
    events.answered({ answer: "begun" });
    expect((await rejection(lane.run(hash(3)))).message).toBe("the thread ran out of memory");
    await lane.close();
    expect(worker.did.at(-1)).toBe("terminated");
    expect((await rejection(lane.timings())).message).toBe("the thread ran out of memory");
  });

  it("fails what follows its close", async () => {
    const { lane } = connected();
    await lane.close();
    lane.begin(planFor("base"), "files");
    expect((await rejection(lane.run(hash(1)))).message).toBe("a worker was closed");
  });

  it("refuses answers to other questions", async () => {
    const answers: LaneAnswer[] = [{ answer: "begun" }];
    const lane = new RemoteLane<string>(({ answered }) => ({
      post: () => queueMicrotask(() => answered(answers[0]!)),
      close: () => {},
    }));
    expect((await rejection(lane.run(hash(1)))).message).toBe("a worker answered begun to a job");
    expect((await rejection(lane.timings())).message).toBe("a worker answered begun when asked for timings");
    expect((await rejection(lane.spans())).message).toBe("a worker answered begun when asked for spans");
  });
});
