import { describe, expect, it } from "vitest";
import type { AdapterModule } from "../../src/adapter/adapter.ts";
import { denseFactor } from "../../src/adapter/dense-factor.ts";
import { RefusedError } from "../../src/core/errors.ts";
import { poolMemory, refuseTooManyUnits } from "../../src/units/memory.ts";
import { openLycoris } from "../support/lycoris.ts";

const NOTHING = { units: 0, bytes: 0 };

/** A module of f32 factors. */
function module(rank: number, inputs: number, out: number): AdapterModule {
  const tensor = { name: "x", file: 0, dtype: "F32" as const, begin: 0, end: 0 };
  return {
    ...{ name: "q", kind: "linear", in: inputs, out, inputShape: [inputs], rank, scale: 1 },
    a: denseFactor({ ...tensor, shape: [rank, inputs] }, "rows", rank),
    b: denseFactor({ ...tensor, shape: [out, rank] }, "columns", rank),
  };
}

describe("the memory of a pool", () => {
  it("is that of stored factors, two strips, six matrices of units, and what is made of it", () => {
    // N = 1024 units of 8 -> 8 in two adapters: 64 kB stored, 64 kB of strips and 48 MB of matrices.
    const modules = [module(1000, 8, 8), module(24, 8, 8)];
    const bytes = 4 * 1024 * 16 + 8 * 1024 * 8 + 48 * 1024 * 1024;
    const { slab, bytes: named } = poolMemory(modules, NOTHING);
    expect(slab).toBeNull();
    expect(named - bytes).toBeGreaterThan(0);
    expect(named - bytes).toBeLessThan(32 * 1024);
    // 100 merged units: their rows, and inner products with the pool and among themselves.
    const merged = poolMemory(modules, { units: 100, bytes: 5e6 }).bytes - named - 5e6;
    expect(merged - (4 * 100 * 16 + 16 * 100 * (1024 + 200))).toBe(6400);
  });

  it("holds factors up to 128 MB whole, and slabs of 64 MB, whole strips, of larger ones", () => {
    const columns = 2 ** 20;
    expect(poolMemory([module(16, columns, columns)], NOTHING).slab).toBeNull();
    const { slab, bytes } = poolMemory([module(17, columns, columns)], NOTHING);
    // 64 MB of 17 rows in f32, down to whole strips of 30720 columns.
    expect(slab).toBe(Math.floor(2 ** 26 / (4 * 17) / 30720) * 30720);
    expect(bytes).toBeLessThan(2 ** 26 + 8 * 17 * 30720 + 2 ** 17);
  });
});

describe("units of one module", () => {
  it("are 4096 at most over all adapters that are compared", () => {
    expect(() => refuseTooManyUnits("q", [module(4000, 8, 8), module(96, 8, 8)])).not.toThrow();
    const refused = () => refuseTooManyUnits("q", [module(4000, 8, 8), module(97, 8, 8)]);
    expect(refused).toThrow(RefusedError);
    expect(refused).toThrow(
      "q has 4097 units over all adapters, but at most 4096 can be compared at once; compare fewer adapters at a time",
    );
  });

  it("of a single adapter lead on to what takes them", async () => {
    const side = Array.from({ length: 65 }, () => Array<number>(65).fill(1));
    const [lokr] = (await openLycoris({ lokr_w1: side, lokr_w2: side })).modules.values();
    expect(() => refuseTooManyUnits("q", [lokr!])).toThrow(
      "q has 4225 units, but at most 4096 can be merged or compared at once; cut the adapter first with lora-lego resize --rank, which takes a LoKr of any size.",
    );
    expect(() => refuseTooManyUnits("q", [module(4097, 8, 8)])).toThrow(
      "q has 4097 units, but at most 4096 can be merged or compared at once; leave it out with lora-lego merge --exclude q.",
    );
  });
});
