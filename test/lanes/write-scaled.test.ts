import { describe, expect, it } from "vitest";
import { memorySink, memorySource } from "../../src/core/bytes.ts";
import { bf16ToF32 } from "../../src/core/float-formats.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { type Draft, halfScales, outOfRange, writeScaled } from "../../src/lanes/write-scaled.ts";
import type { MergePlan, ScaledPlan } from "../../src/plan/merge-plan.ts";
import { rejection } from "../support/memory-folder.ts";

/** More entries than are scaled at a time. */
const LONG = 2 ** 18 + 3;

/** A draft of one module, its A of LONG entries 1, 2, 3, ... at byte 8, its B = (5, -7) behind it. */
function draft(first = 1): Draft {
  const values = Float32Array.from({ length: LONG + 4 }, (_, i) => i - 1);
  values[2] = first;
  values.set([5, -7], LONG + 2);
  const a = { begin: 8, end: 8 + 4 * LONG };
  const plan = { modules: [{ name: "q", a, b: { begin: a.end, end: a.end + 8 } }] };
  return {
    plan: plan as unknown as MergePlan,
    source: memorySource("the draft", new Uint8Array(values.buffer)),
  };
}

/** The plan of an output with its A at byte 16. */
function output(dtype: "F32" | "BF16", scale: number): ScaledPlan {
  const size = dtype === "F32" ? 4 : 2;
  const b = 16 + size * LONG;
  return {
    ...{ dtype, scale, size: b + 2 * size },
    modules: [{ name: "q", a: { begin: 16, end: b }, b: { begin: b, end: b + 2 * size } }],
  } as unknown as ScaledPlan;
}

describe("a draft times lambda", () => {
  it.each([
    [4, 2, 2],
    [-4, 2, -2],
    [1, 1, 1],
    [0, 0, 0],
  ])("%d has A times %d and B times %d, also where A is longer than one piece", async (lambda, ofA, ofB) => {
    const plan = output("F32", lambda);
    const sink = memorySink(plan.size);
    await writeScaled(wasmKernels(), draft(), plan, sink);
    const written = new Float32Array(sink.bytes.buffer);
    const expected = Float32Array.from({ length: LONG + 6 }, (_, i) => (i < 4 ? 0 : ofA * (i - 3)));
    expected.set([5 * ofB, -7 * ofB], LONG + 4);
    expect(written.length).toBe(expected.length);
    expect(written.findIndex((value, i) => value !== expected[i])).toBe(-1);
  });

  it("is rounded to the element type of the output", async () => {
    const plan = output("BF16", -4);
    const sink = memorySink(plan.size);
    await writeScaled(wasmKernels(), draft(), plan, sink);
    const written = Array.from(new Uint16Array(sink.bytes.buffer), bf16ToF32);
    expect(written.slice(0, 11)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 6]);
    // 2 * (2^18 + 3) rounds to 2^19, the grid of bf16 there being 2^12.
    expect(written.slice(-3)).toEqual([2 ** 19, -10, 14]);
  });

  it("is refused where the type cannot hold it, naming the module and a way that the type leaves", async () => {
    const overflow = writeScaled(wasmKernels(), draft(3e38), output("F32", 4), memorySink(2 ** 21));
    expect(await rejection(overflow)).toEqual(outOfRange("q", "F32"));
    expect(outOfRange("q", "F32").message).toContain("f32 cannot hold");
    expect(outOfRange("q", "F32").message).toContain("smaller weights or a smaller --scale");
    expect(outOfRange("q", "BF16").message).toContain("pass --dtype f32");
    const rounded = writeScaled(wasmKernels(), draft(3.4e38), output("BF16", 1), memorySink(2 ** 21));
    expect(await rejection(rounded)).toEqual(outOfRange("q", "BF16"));
  });

  it("stops by the signal's reason", async () => {
    const stopped = writeScaled(
      wasmKernels(),
      draft(),
      output("F32", 1),
      memorySink(2 ** 21),
      AbortSignal.abort(new Error("enough")),
    );
    expect((await rejection(stopped)).message).toBe("enough");
  });
});

describe("lambda", () => {
  it("is split evenly over both halves, its sign on B", () => {
    expect(halfScales(9)).toEqual({ a: 3, b: 3 });
    expect(halfScales(-9)).toEqual({ a: 3, b: -3 });
    expect(halfScales(0)).toEqual({ a: 0, b: 0 });
  });
});
