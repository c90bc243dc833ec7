import { describe, expect, it } from "vitest";
import type { AdapterModule } from "../../src/adapter/adapter.ts";
import { RefusedError } from "../../src/core/errors.ts";
import { affordableThreads, type ModuleSize, refuseTooManyUnits, slabColumns } from "../../src/merge/memory.ts";

const GIB = 2 ** 30;

/** A module of f32 factors. */
function module(rank: number, inputs: number, out: number): AdapterModule {
  const factor = { name: "x", file: 0, dtype: "F32" as const, begin: 0, end: 0, units: "rows" as const };
  return {
    ...{ name: "q", kind: "linear", in: inputs, out, inputShape: [inputs], rank, scale: 1 },
    a: { ...factor, shape: [rank, inputs] },
    b: { ...factor, shape: [out, rank] },
  };
}

/** A module that takes next to nothing but the method's scratch. */
const scratch = (bytes: number): ModuleSize => ({ modules: [module(1, 1, 1)], rank: 1, scratch: bytes });

describe("threads", () => {
  it("are as many as were wanted where all fit into one gigabyte, and fewer where they do not", () => {
    // Stored 8, strips 8, result 12 and Gram matrices 48 bytes beside the scratch.
    const beside = 8 + 8 + 6 * 2 + 48;
    expect(affordableThreads(4, [scratch(GIB / 4 - beside)])).toBe(4);
    expect(affordableThreads(4, [scratch(GIB / 4 - beside + 1)])).toBe(3);
    expect(affordableThreads(8, [scratch(GIB / 8 - beside)])).toBe(8);
    expect(affordableThreads(2, [scratch(GIB / 8)])).toBe(2);
  });

  it("are counted by the largest module", () => {
    expect(affordableThreads(8, [scratch(0), scratch(GIB / 3), scratch(100)])).toBe(2);
  });

  it("are one at least, however large the module", () => {
    expect(affordableThreads(8, [scratch(10 * GIB)])).toBe(1);
    expect(affordableThreads(8, [])).toBe(8);
  });

  it("pay for stored factors up to 256 MB, strips, the result and six matrices of units", () => {
    // N = 1024 units of 8 -> 8: 64 kB stored, 2 MB of strips, 6 * 1024 * 16 bytes of result and 48 MB of matrices.
    const size: ModuleSize = { modules: [module(1024, 8, 8)], rank: 1024, scratch: 0 };
    const bytes = 4 * 1024 * 16 + 8 * 1024 * 8 + 6 * 1024 * 16 + 48 * 1024 * 1024;
    expect(affordableThreads(1000, [size])).toBe(Math.floor(GIB / bytes));
    expect(affordableThreads(1000, [{ ...size, scratch: 1e8 }])).toBe(Math.floor(GIB / (bytes + 1e8)));
    // 4 GB stored: 256 MB of slabs count.
    const large: ModuleSize = { modules: [module(64, 8e6, 8e6)], rank: 1, scratch: 0 };
    const strips = 8 * 64 * 8192;
    expect(affordableThreads(1000, [large])).toBe(Math.floor(GIB / (2 ** 28 + strips + 6 * 16e6 + 48 * 64 * 64)));
  });
});

describe("factors of one module", () => {
  it("are kept up to 256 MB and read in slabs of 64 MB, whole strips, beyond", () => {
    const columns = 2 ** 20;
    expect(slabColumns([module(32, columns, columns)])).toBeNull();
    const slab = slabColumns([module(33, columns, columns)])!;
    // 64 MB of 33 rows in f32, down to whole strips of 15872 columns.
    expect(slab).toBe(Math.floor(2 ** 26 / (4 * 33) / 15872) * 15872);
  });

  it("have 4096 units at most over all adapters", () => {
    expect(() => refuseTooManyUnits("q", [module(4000, 8, 8), module(96, 8, 8)])).not.toThrow();
    const refused = () => refuseTooManyUnits("q", [module(4000, 8, 8), module(97, 8, 8)]);
    expect(refused).toThrow(RefusedError);
    expect(refused).toThrow("q has 4097 units over all adapters, more than 4096 can be merged at once");
  });
});
