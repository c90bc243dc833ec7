import { describe, expect, it } from "vitest";
import { memorySink } from "../../src/core/bytes.ts";
import type { OutputDtype } from "../../src/core/dtype.ts";
import { f16ToF32 } from "../../src/core/float-formats.ts";
import { countUnderflows, writeFactors, writingBytes } from "../../src/units/write-factors.ts";
import { BACKENDS, tightKernels } from "../support/kernels.ts";

/** Two units of 3 -> 2: (1, 2, 3 | 4, 5) and (-6, 0, 0 | 0, -7). */
const A = [1, 2, 3, -6, 0, 0];
const B = [4, 5, 0, -7];

describe.each(BACKENDS)("factors on %s", (_, create) => {
  /** Write units as A at byte 4 and B at byte 64 of a file. */
  async function write(dtype: OutputDtype, rank: number, a: readonly number[] = A, b: readonly number[] = B) {
    const kernels = create();
    const count = a.length / 3;
    kernels.reset(4 * (a.length + b.length) + 64 + writingBytes({ dtype, in: 3, out: 2, rank }));
    const rows = { count, a: kernels.f32(a.length), b: kernels.f32(b.length) };
    rows.a.set(a);
    rows.b.set(b);
    const sink = memorySink(128);
    const place = { dtype, in: 3, out: 2, rank, a: { begin: 4 }, b: { begin: 64 } };
    return { bytes: sink.bytes, largest: await writeFactors(kernels, rows, place, sink) };
  }

  it("are written with A by rows and B by columns, each where it begins", async () => {
    const { bytes, largest } = await write("F32", 2);
    const written = [...new Float32Array(bytes.buffer)];
    expect(written.slice(0, 8)).toEqual([0, ...A, 0]);
    expect(written.slice(15, 21)).toEqual([0, 4, 0, 5, -7, 0]);
    expect(largest).toEqual({ a: Float64Array.of(3, 6), b: Float64Array.of(5, 7) });
  });

  it("get zero units up to the rank", async () => {
    const { bytes, largest } = await write("F16", 3);
    const written = Array.from(new Uint16Array(bytes.buffer), f16ToF32);
    expect(written.slice(2, 12)).toEqual([...A, 0, 0, 0, 0]);
    expect(written.slice(32, 39)).toEqual([4, 0, 0, 5, -7, 0, 0]);
    expect(largest!.a).toHaveLength(2);
  });

  it.each([
    ["NaN in A", "F32", [1, Number.NaN, 3], [4, 5]],
    ["infinity in B", "F32", [1, 2, 3], [4, Number.POSITIVE_INFINITY]],
    ["more than f16 holds in A", "F16", [1, -70_000, 3], [4, 5]],
    ["more than f16 holds in B", "F16", [1, 2, 3], [70_000, 5]],
  ] as const)("are not written with %s", async (_, dtype, a, b) => {
    expect((await write(dtype, 1, a, b)).largest).toBeNull();
  });
});

describe("the memory of writing", () => {
  it.each([
    [100, 2000],
    [2000, 100],
  ])("holds all that is taken for %d -> %d", async (inputs, out) => {
    const [rank, count] = [8, 7];
    const kernels = tightKernels();
    kernels.reset(4 * count * (inputs + out) + writingBytes({ dtype: "F32", in: inputs, out, rank }));
    const rows = { count, a: kernels.f32(count * inputs).fill(1), b: kernels.f32(count * out).fill(1) };
    const place = { dtype: "F32", in: inputs, out, rank, a: { begin: 0 }, b: { begin: 4 * rank * inputs } } as const;
    expect(await writeFactors(kernels, rows, place, memorySink(4 * rank * (inputs + out)))).not.toBeNull();
  });
});

describe("units that round to zero", () => {
  const largest = (a: readonly number[], b: readonly number[]) => ({
    a: Float64Array.from(a),
    b: Float64Array.from(b),
  });

  it("are those with a half that is not zero and at most half of the least number of the type", () => {
    const least = { F16: 2 ** -24, BF16: 2 ** -133 };
    for (const dtype of ["F16", "BF16"] as const) {
      const half = least[dtype] / 2;
      const kept = 1.01 * half;
      expect(countUnderflows(largest([half, 1, kept, 0, half], [1, half, kept, 1, half]), dtype)).toBe(3);
    }
    expect(countUnderflows(largest([1e-40], [1e-40]), "F32")).toBe(0);
  });

  it("are counted after the factors that the halves are multiplied by, of either sign", () => {
    const found = largest([2 ** -24, 1], [1, 2 ** -20]);
    expect(countUnderflows(found, "F16", { a: 1, b: 1 })).toBe(0);
    expect(countUnderflows(found, "F16", { a: 0.5, b: 1 })).toBe(1);
    expect(countUnderflows(found, "F16", { a: 1, b: -(2 ** -5) })).toBe(1);
    expect(countUnderflows(found, "F16", { a: 1, b: -(2 ** -4) })).toBe(0);
  });
});
