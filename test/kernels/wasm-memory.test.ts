import { describe, expect, it } from "vitest";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { combineOne, floats, fresh, MEGABYTE, wholeMatrix } from "../support/kernels.ts";

describe("wasm memory", () => {
  it("refuses views of another arena and of a memory that has grown since", () => {
    const k = fresh(wasmKernels, 1000);
    const out = k.f64(1);
    expect(() => k.gram(new Float32Array(4), 1, 4, 4, out)).toThrow(/outside its arena/);
    expect(() => k.gram(fresh(wasmKernels).f32(4), 1, 4, 4, out)).toThrow(/outside its arena/);
    const early = k.f32(4);
    k.reset(8 * MEGABYTE);
    expect(() => k.scale(early, 2)).toThrow(/outside its arena/);
  });

  it("computes above 2 GB, where addresses do not fit a signed 32-bit number", () => {
    const k = fresh(wasmKernels, 2.2e9);
    k.bytes(2 ** 31);
    const rows = floats(k, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(rows.byteOffset).toBeGreaterThan(2 ** 31);
    expect(wholeMatrix(k, 2, (out) => k.gram(rows, 2, 5, 5, out))).toEqual([55, 130, 130, 330]);
    const out = k.f64(2);
    out.set([55, 130]);
    const dst = k.f32(5);
    combineOne(k, rows, 5, [1, 0], [1, -1], dst);
    expect([...dst]).toEqual([5, 5, 5, 5, 5]);
    k.multiply(out, 1, rows, 2, 5, 5, dst, 5);
    expect([...dst]).toEqual([835, 1020, 1205, 1390, 1575]);
    const bytes = k.bytes(20);
    expect(k.narrowTransposed("BF16", rows, 2, 5, 5, bytes)).toBe(true);
    const back = k.f32(10);
    expect(k.widenTransposed("BF16", bytes, 5, 2, back, 5, 1)).toBe(true);
    expect([...back]).toEqual([...rows]);
    k.maxAbs(rows, 2, 5, 5, out);
    expect([...out.subarray(0, 2)]).toEqual([5, 10]);
  });
});
