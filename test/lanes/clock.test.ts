import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Kernels } from "../../src/kernels/kernels.ts";
import { referenceKernels } from "../../src/kernels/reference.ts";
import { addTimings, Clock, noTimings, timedKernels, timedSource } from "../../src/lanes/clock.ts";
import { localLane } from "../../src/lanes/lane.ts";

/** Milliseconds of a clock that only `takes` moves. */
let now = 0;
function takes<T>(seconds: number, result?: T): T {
  now += 1000 * seconds;
  return result as T;
}

beforeEach(() => {
  now = 5000;
  vi.spyOn(performance, "now").mockImplementation(() => now);
});
afterEach(() => vi.restoreAllMocks());

describe("a clock", () => {
  it("adds up the seconds of each share", async () => {
    const clock = new Clock();
    expect(clock.book("gram", () => takes(2, "result"))).toBe("result");
    clock.book("gram", () => takes(1));
    expect(await clock.bookAsync("read", async () => takes(4, "read"))).toBe("read");
    await clock.bookAsync("read", async () => takes(0.5, Promise.reject(new Error("disk")))).catch(() => {});
    expect(clock.timings).toEqual({ ...noTimings(), gram: 3, read: 4.5 });
  });

  it("books under a rest only what nothing else booked meanwhile", async () => {
    const clock = new Clock();
    clock.book("widen", () => takes(7));
    const result = await clock.bookRest("cluster", async () => {
      takes(1);
      clock.book("centre", () => takes(8));
      await clock.bookAsync("read", async () => takes(16));
      takes(2);
      return "merged";
    });
    expect(result).toBe("merged");
    expect(clock.timings).toEqual({ ...noTimings(), widen: 7, cluster: 3, centre: 8, read: 16 });
  });

  it("books kernels by their share, and leaves the others alone", () => {
    const clock = new Clock();
    const kernels = referenceKernels();
    const slow: Kernels = Object.assign(Object.create(kernels), {
      scale: (...args: Parameters<Kernels["scale"]>) => {
        takes(2);
        kernels.scale(...args);
      },
      f32: (count: number) => {
        takes(3);
        return kernels.f32(count);
      },
    });
    const timed = timedKernels(slow, clock);
    timed.reset(4096);
    const values = timed.f32(2);
    values.set([1, -2]);
    timed.scale(values, 3);
    expect([...values]).toEqual([3, -6]);
    expect(clock.timings).toEqual({ ...noTimings(), centre: 2 });
  });

  it("books reading a source", async () => {
    const clock = new Clock();
    const source = timedSource(
      {
        name: "file",
        size: 9,
        read: async (offset, into) => {
          takes(1);
          into.fill(offset);
        },
      },
      clock,
    );
    const into = new Uint8Array(2);
    await source.read(7, into);
    expect([source.name, source.size, ...into]).toEqual(["file", 9, 7, 7]);
    expect(clock.timings).toEqual({ ...noTimings(), read: 1 });
  });

  it("keeps spans for a profile alone: the inner one first, from when to when since the epoch", async () => {
    const clock = new Clock(true);
    const begun = performance.timeOrigin + now;
    await clock.bookRest("cluster", async () => {
      takes(1);
      clock.book("gram", () => takes(8));
    });
    clock.mark("idle", now - 500);
    expect(clock.spans).toEqual([
      { name: "gram", start: begun + 1000, end: begun + 9000 },
      { name: "cluster", start: begun, end: begun + 9000 },
      { name: "idle", start: begun + 8500, end: begun + 9000 },
    ]);
    expect(clock.timings).toEqual({ ...noTimings(), cluster: 1, gram: 8 });
    expect(new Clock().spans).toBeNull();
  });

  it("adds the timings of several lanes", () => {
    const sum = { ...noTimings(), read: 1, hash: 2 };
    addTimings(sum, { ...noTimings(), read: 4, write: 8 });
    expect(sum).toEqual({ read: 5, widen: 0, gram: 0, cluster: 0, centre: 0, write: 8, hash: 2 });
  });
});

describe("a lane on the caller's thread", () => {
  const merged = { rank: 3 } as never;
  const directions = { scored: true } as never;
  const extras: number[] = [];
  const merger = {
    surveyModule: async () => directions,
    mergeModules: async (indices: readonly number[]) => indices.map(() => merged),
    writeExtra: async (index: number) => void extras.push(index),
    clock: new Clock(),
  };
  merger.clock.timings.gram = 6;

  it("does each kind of job, and counts the time of hashing", async () => {
    const lane = localLane(merger, async (input) => takes(input, `hash of ${input}`));
    expect(await lane.run({ kind: "survey", index: 3 })).toEqual({ kind: "survey", index: 3, directions });
    expect(await lane.run({ kind: "modules", indices: [4, 6] })).toEqual({
      kind: "modules",
      results: [merged, merged],
    });
    expect(await lane.run({ kind: "extra", index: 5 })).toEqual({ kind: "extra" });
    expect(extras).toEqual([5]);
    expect(await lane.run({ kind: "hash", input: 2 })).toEqual({ kind: "hash", input: 2, sha256: "hash of 2" });
    await lane.run({ kind: "hash", input: 1 });
    expect(await lane.timings()).toEqual({ ...noTimings(), gram: 6, hash: 3 });
  });

  it("tells what it did when: idle until a job, the job, and idle until it is asked", async () => {
    const lane = localLane({ ...merger, clock: new Clock(true) }, async (input) => takes(input, null));
    const begun = performance.timeOrigin + now;
    takes(1);
    await lane.run({ kind: "hash", input: 2 });
    takes(4);
    expect(await lane.spans?.()).toEqual([
      { name: "idle", start: begun, end: begun + 1000 },
      { name: "hash", start: begun + 1000, end: begun + 3000 },
      { name: "job hash", start: begun + 1000, end: begun + 3000 },
      { name: "idle", start: begun + 3000, end: begun + 7000 },
    ]);
  });

  it("lets the thread do other work before each job", async () => {
    let begun = false;
    const lane = localLane(merger, async () => {
      begun = true;
      return null;
    });
    const done = lane.run({ kind: "hash", input: 0 });
    for (let i = 0; i < 100; i++) await Promise.resolve();
    expect(begun).toBe(false);
    await done;
    expect(begun).toBe(true);
  });
});
