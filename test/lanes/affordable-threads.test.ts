import { describe, expect, it } from "vitest";
import { affordableThreads } from "../../src/lanes/affordable-threads.ts";

const GIB = 2 ** 30;
const module = (bytes: number, held = 0) => ({ memory: { slab: null, bytes }, held });

describe("threads", () => {
  it("are as many as were wanted where all fit into one gigabyte, and fewer where they do not", () => {
    expect(affordableThreads(4, [module(GIB / 4)])).toBe(4);
    expect(affordableThreads(4, [module(GIB / 4 + 1)])).toBe(3);
    expect(affordableThreads(8, [module(GIB / 8)])).toBe(8);
    expect(affordableThreads(2, [module(GIB / 8)])).toBe(2);
  });

  it("are counted by the largest module", () => {
    expect(affordableThreads(8, [module(0), module(GIB / 3), module(100)])).toBe(3);
    expect(affordableThreads(8, [module(0), module(GIB / 3 + 1), module(100)])).toBe(2);
    expect(affordableThreads(8, [module(0), module(100, GIB / 2 - 100)])).toBe(2);
  });

  it("are one at least, however large the module", () => {
    expect(affordableThreads(8, [module(10 * GIB)])).toBe(1);
    expect(affordableThreads(8, [])).toBe(8);
  });
});
