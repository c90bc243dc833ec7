import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noTimings } from "../../src/lanes/clock.ts";
import { type Job, type JobResult, type Lane, runJobs } from "../../src/lanes/lane.ts";
import { rejection } from "../support/memory-folder.ts";

const jobs = (count: number): Job[] => Array.from({ length: count }, (_, input) => ({ kind: "hash", input }));

/** A lane whose jobs end when they are told to. */
class HeldLane implements Lane {
  readonly depth: number;
  readonly begun: number[] = [];
  readonly #ends = new Map<number, { resolve(result: JobResult): void; reject(error: Error): void }>();

  constructor(depth: number) {
    this.depth = depth;
  }

  run(job: Job): Promise<JobResult> {
    const at = (job as { readonly input: number }).input;
    this.begun.push(at);
    return new Promise((resolve, reject) => this.#ends.set(at, { resolve, reject }));
  }

  succeed(at: number): Promise<void> {
    this.#ends.get(at)!.resolve({ kind: "hash", input: at, sha256: `hash ${at}` });
    return turned();
  }

  fail(at: number): Promise<void> {
    this.#ends.get(at)!.reject(new Error(`job ${at} failed`));
    return turned();
  }

  timings = async () => noTimings();
}

/** Everything that waits has gone on. */
const turned = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("jobs on several lanes", () => {
  it("fail by the first in their order, whichever fails first", async () => {
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const lanes = [new HeldLane(1), new HeldLane(1), new HeldLane(1)];
      const failed = rejection(runJobs(jobs(3), lanes));
      await turned();
      for (const at of order) await lanes[at]!.fail(at);
      expect((await failed).message).toBe("job 0 failed");
    }
  });

  it("are awaited where they run already, and none is begun after a failure", async () => {
    const lanes = [new HeldLane(1), new HeldLane(2)];
    let ended = false;
    const failed = rejection(runJobs(jobs(9), lanes)).finally(() => {
      ended = true;
    });
    await turned();
    expect([lanes[0]!.begun, lanes[1]!.begun]).toEqual([[0], [1, 2]]);
    await lanes[1]!.fail(1);
    await lanes[0]!.succeed(0);
    expect(ended).toBe(false);
    await lanes[1]!.succeed(2);
    expect((await failed).message).toBe("job 1 failed");
    expect([lanes[0]!.begun, lanes[1]!.begun]).toEqual([[0], [1, 2]]);
  });

  it("end with the same failure for any lanes, depths and speeds: that of the first job that fails", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
        async (scheduler, fails, depths) => {
          const lanes = depths.map((depth): Lane => {
            const run = scheduler.scheduleFunction(async (job: Job): Promise<JobResult> => {
              const { input } = job as { readonly input: number };
              if (fails[input]) throw new Error(`job ${input} failed`);
              return { kind: "hash", input, sha256: null };
            });
            return { depth, run, timings: async () => noTimings() };
          });
          const ran = runJobs(jobs(fails.length), lanes).then(
            (results) => results.map((result) => (result as { readonly input: number }).input),
            (error: Error) => error.message,
          );
          await scheduler.waitFor(ran);
          const first = fails.indexOf(true);
          expect(await ran).toEqual(first < 0 ? fails.map((_, at) => at) : `job ${first} failed`);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("stop by the signal's reason, before those that none has begun", async () => {
    const lane = new HeldLane(1);
    const stop = new AbortController();
    const failed = rejection(runJobs(jobs(3), [lane], stop.signal));
    await turned();
    stop.abort(new Error("stopped"));
    await lane.succeed(0);
    expect((await failed).message).toBe("stopped");
    expect(lane.begun).toEqual([0]);
  });

  it("tell of modules alone how many are done", async () => {
    const mixed: Job[] = [
      { kind: "hash", input: 0 },
      ...[0, 1].map((index): Job => ({ kind: "modules", indices: [index] })),
    ];
    const lane: Lane = {
      depth: 1,
      run: async () => ({ kind: "extra" }),
      timings: async () => noTimings(),
    };
    const told: unknown[] = [];
    await runJobs(mixed, [lane], undefined, (progress) => told.push(progress));
    expect(told).toEqual([
      { done: 1, total: 2 },
      { done: 2, total: 2 },
    ]);
  });
});
