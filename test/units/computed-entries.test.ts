import { describe, expect, it } from "vitest";
import type { Adapter, AdapterModule, FactorRef } from "../../src/adapter/adapter.ts";
import { leadingUnits } from "../../src/adapter/lycoris/leading.ts";
import { seededRandom } from "../../src/core/random.ts";
import { StoredEntries } from "../../src/units/stored-entries.ts";
import { type LycorisTensors, openLycoris } from "../support/lycoris.ts";
import type { Nested } from "../support/pico.ts";

const random = seededRandom(3);
const rows = (count: number, columns: number): number[][] =>
  Array.from({ length: count }, () => Array.from({ length: columns }, () => random.uniform() - 0.5));
const core = (r: number): Nested => Array.from({ length: r }, () => rows(r, 3).map((row) => [row]));

const LOKR = { lokr_w1: rows(3, 2), lokr_w2: rows(4, 7) };
const CASES: Record<string, LycorisTensors> = {
  "a Kronecker product": LOKR,
  "one of products that are larger than their matrix": {
    lokr_w1: rows(3, 2),
    lokr_w2_a: rows(4, 6),
    lokr_w2_b: rows(6, 7),
  },
  "a Kronecker product with a Tucker decomposition": {
    lokr_w1: rows(3, 2),
    lokr_t2: core(2),
    lokr_w2_a: rows(2, 4),
    lokr_w2_b: rows(2, 5),
  },
  "products of rows": { hada_w1_a: rows(9, 2), hada_w1_b: rows(2, 11), hada_w2_a: rows(9, 2), hada_w2_b: rows(2, 11) },
  "an elementwise product": {
    hada_w1_a: rows(5, 3),
    hada_w1_b: rows(3, 8),
    hada_w2_a: rows(5, 3),
    hada_w2_b: rows(3, 8),
  },
};

async function read({ files }: Adapter, factor: FactorRef, from: number, count: number): Promise<Float32Array> {
  const { bytes } = await StoredEntries.read(files, factor, from, count);
  return new Float32Array(bytes.slice().buffer);
}

/** Some entries of every unit, out of all of them. */
function cut(all: Float32Array, size: number, from: number, count: number): number[] {
  return Array.from({ length: all.length / size }, (_, unit) => [
    ...all.subarray(unit * size + from, unit * size + from + count),
  ]).flat();
}

async function expectSlices(adapter: Adapter, module: AdapterModule): Promise<void> {
  for (const factor of [module.a, module.b]) {
    const all = await read(adapter, factor, 0, factor.size);
    for (let from = 0; from < factor.size; from += 2) {
      const count = Math.min(3, factor.size - from);
      expect([...(await read(adapter, factor, from, count))]).toEqual(cut(all, factor.size, from, count));
    }
  }
}

describe("computed factors", () => {
  it.each(Object.entries(CASES))("are the same bits whatever entries are asked for: %s", async (_, tensors) => {
    const adapter = await openLycoris(tensors);
    const [module] = adapter.modules.values();
    await expectSlices(adapter, module!);
  });

  it("are the same bits whatever entries are asked for: leading units", async () => {
    const adapter = await openLycoris(LOKR);
    const [module] = adapter.modules.values();
    await expectSlices(adapter, leadingUnits(module!, 4));
  });

  it("of large elementwise products are those of small ones", async () => {
    const [out, inputs, r] = [1100, 1200, 34];
    const [a, b, c, d] = [rows(out, r), rows(r, inputs), rows(out, r), rows(r, inputs)];
    const adapter = await openLycoris({ hada_w1_a: a, hada_w1_b: b, hada_w2_a: c, hada_w2_b: d });
    const [module] = adapter.modules.values();
    expect(module!.rank).toBe(out);
    const all = await read(adapter, module!.a, 0, inputs);
    for (const from of [0, 950, 1190]) {
      expect([...(await read(adapter, module!.a, from, 10))]).toEqual(cut(all, inputs, from, 10));
    }
    const dot = (left: number[][], right: number[][], o: number, i: number): number =>
      left[o]!.reduce((sum, value, j) => sum + Math.fround(value) * Math.fround(right[j]![i]!), 0);
    for (const [o, i] of [
      [0, 0],
      [1099, 1199],
      [500, 953],
    ] as const) {
      expect(all[o * inputs + i]).toBeCloseTo(dot(a, b, o, i) * dot(c, d, o, i), 5);
    }
  });
});
