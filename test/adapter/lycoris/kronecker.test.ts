import { Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { inspectOpened } from "../../../src/analysis/inspect.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { wasmKernels } from "../../../src/kernels/wasm.ts";
import { mergeInMemory } from "../../../src/merge/merge.ts";
import { makePlan } from "../../../src/plan/plan.ts";
import { denseSvd, rebuilt } from "../../support/dense.ts";
import { kron, times } from "../../support/dense-lycoris.ts";
import { openLycoris } from "../../support/lycoris.ts";
import { rejection } from "../../support/memory-folder.ts";
import { decodeAdapter, relativeError } from "../../support/pico.ts";

const random = seededRandom(11);
const rows = (count: number, columns: number): number[][] =>
  Array.from({ length: count }, () => Array.from({ length: columns }, () => Math.fround(random.uniform() - 0.5)));

const [w1, w2, w2a, w2b] = [rows(4, 3), rows(9, 12), rows(9, 4), rows(4, 12)];
const WHOLE = { tensors: { lokr_w1: w1, lokr_w2: w2 }, dense: kron(w1, w2), units: 27 };
const FACTORED = {
  tensors: { lokr_w1: w1, lokr_w2_a: w2a, lokr_w2_b: w2b, alpha: -8 },
  dense: kron(w1, times(w2a, w2b)).map((row) => row.map((value) => -2 * value)),
  units: 12,
};

describe("inspecting a LoKr", () => {
  it.each([
    ["both sides whole", WHOLE],
    ["a factored side and a negative scale", FACTORED],
  ])("gives the spectrum of its delta from its sides: %s", async (_, { tensors, dense, units }) => {
    const { modules, warnings } = await inspectOpened(wasmKernels(), await openLycoris(tensors));
    const { s } = denseSvd(new Matrix(dense));
    expect(modules[0]).toMatchObject({ rank: units, dead: 0 });
    expect(modules[0]!.spectrum).toHaveLength(units);
    for (const [j, sigma] of s.entries()) expect(modules[0]!.spectrum[j]).toBeCloseTo(sigma, 5);
    expect(modules[0]!.norm).toBeCloseTo(new Matrix(dense).norm("frobenius"), 5);
    expect(warnings.map(({ id }) => id)).toEqual(["exact-rank"]);
  });

  it("counts units of which one half is zero, and refuses values that are not finite", async () => {
    const gap = {
      lokr_w1: w1.slice(0, 2),
      lokr_w2: [
        [1, 0],
        [0, 0],
        [2, 3],
      ],
    };
    const { modules } = await inspectOpened(wasmKernels(), await openLycoris(gap));
    // w2 is 3 x 2, so that its units are its columns, of which none is zero.
    expect(modules[0]).toMatchObject({ rank: 4, dead: 0 });
    const dead = {
      ...gap,
      lokr_w2: [
        [1, 0],
        [1, 0],
        [2, 0],
      ],
    };
    expect((await inspectOpened(wasmKernels(), await openLycoris(dead))).modules[0]).toMatchObject({ dead: 2 });
    const silent = { ...gap, lokr_w2_a: [[1]], lokr_w2_b: [[1]], alpha: 0 };
    const { lokr_w2: _, ...zero } = silent;
    expect((await inspectOpened(wasmKernels(), await openLycoris(zero))).modules[0]).toMatchObject({
      norm: 0,
      dead: 2,
    });
    const bad = await openLycoris({ ...gap, lokr_w2: [[Number.NaN, 1]] });
    expect(String(await rejection(inspectOpened(wasmKernels(), bad)))).toMatch(/lokr_w1 holds NaN or infinite/);
  });
});

describe("resizing a LoKr", () => {
  it.each([
    ["both sides whole", WHOLE, 5],
    ["a factored side and a negative scale", FACTORED, 3],
    ["a rank just below its own", WHOLE, 26],
  ])("finds the nearest delta of that rank, and says what it keeps: %s", async (_, { tensors, dense }, rank) => {
    const adapter = await openLycoris(tensors);
    const recipe = { method: "svd", target: { kind: "rank", rank }, dtype: "f32" } as const;
    const plan = makePlan([adapter], recipe);
    // No more units are read than are asked for.
    expect(plan.modules[0]!.parts[0]!.module.rank).toBe(rank);
    expect(plan.warnings).toEqual([]);
    const { report, config, weights } = await mergeInMemory([adapter], recipe);
    const [merged] = decodeAdapter(JSON.stringify(config), weights).modules.values();
    expect(merged!.rank).toBe(rank);
    const nearest = rebuilt(denseSvd(new Matrix(dense), rank));
    expect(relativeError(merged!.delta, Float64Array.from(nearest.to1DArray()))).toBeLessThan(1e-5);
    const kept = (nearest.norm("frobenius") / new Matrix(dense).norm("frobenius")) ** 2;
    expect(report.totals.energy).toBeCloseTo(kept, 6);
    expect(report.modules[0]!.inputRanks).toEqual([adapter.modules.values().next().value!.rank]);
    expect(report.modules[0]!.cosines[0]).toBeCloseTo(Math.sqrt(kept), 6);
  });

  it.each([
    ["no smaller rank", { method: "svd", target: { kind: "rank", rank: 27 } }, []],
    ["another way to cut", { method: "lego", target: { kind: "rank", rank: 5 } }, ["exact-rank"]],
    ["an energy", { method: "svd", target: { kind: "energy", rule: "sv_fro", threshold: 0.9 } }, ["exact-rank"]],
    ["a step after it", { method: "svd", target: { kind: "rank", rank: 5 }, after: "svc" }, ["exact-rank"]],
  ] as const)("reads all units for %s", async (_, recipe, ids) => {
    const plan = makePlan([await openLycoris(WHOLE.tensors)], recipe);
    expect(plan.modules[0]!.parts[0]!.module.rank).toBe(WHOLE.units);
    expect(plan.warnings.map(({ id }) => id)).toEqual(ids);
  });

  it("reads all units of several adapters, whose sum has other leading units", async () => {
    const adapters = [await openLycoris(WHOLE.tensors), await openLycoris(FACTORED.tensors)];
    const plan = makePlan(adapters, { method: "svd", target: { kind: "rank", rank: 5 } });
    expect(plan.modules[0]!.parts.map(({ module }) => module.rank)).toEqual([27, 12]);
  });

  it("pads a delta of a smaller rank than is asked for, and refuses values that are not finite", async () => {
    const flat = {
      lokr_w1: [
        [1, 2],
        [2, 4],
      ],
      lokr_w2: [
        [1, 1, 1],
        [1, 1, 1],
      ],
    };
    const recipe = { method: "svd", target: { kind: "rank", rank: 3 }, dtype: "f32" } as const;
    const { report } = await mergeInMemory([await openLycoris(flat)], recipe);
    expect(report.totals.energy).toBeCloseTo(1, 6);
    expect(report.totals.rank).toBe(1);
    const bad = await openLycoris({
      lokr_w1: w1,
      lokr_w2: [
        [Number.NaN, 1],
        [1, 1],
      ],
    });
    expect(String(await rejection(mergeInMemory([bad], { ...recipe, target: { kind: "rank", rank: 1 } })))).toMatch(
      /lokr_w1 holds NaN or infinite values/,
    );
  });
});
