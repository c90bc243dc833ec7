import { beforeEach, describe, expect, it } from "vitest";
import type { FactorDtype } from "../../src/core/dtype.ts";
import { FormatError } from "../../src/core/errors.ts";
import { bf16ToF32, f8E4m3ToF32, f8E5m2ToF32, f16ToF32 } from "../../src/core/float-formats.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { TensorData } from "../../src/formats/safetensors/write.ts";
import type { Kernels } from "../../src/kernels/kernels.ts";
import { referenceKernels } from "../../src/kernels/reference.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import type { Combination } from "../../src/linalg/combination.ts";
import { poolBytes, poolMemory } from "../../src/units/memory.ts";
import { Pool } from "../../src/units/pool.ts";
import { rowNorms, scaleRows, type UnitRows } from "../../src/units/unit-rows.ts";
import { tightKernels } from "../support/kernels.ts";
import { keyOf, openPeft, rejection } from "../support/memory-folder.ts";
import { type Factors, HAND, poolOf } from "../support/pools.ts";
import { strided } from "../support/strided.ts";

/** Factors of small whole numbers, whose sums are exact in f32 in any order. */
function wholeFactors(seed: number, rank: number, inputs: number, out: number): Factors {
  const random = seededRandom(seed);
  const matrix = (rows: number, columns: number): number[][] =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.below(9) - 4));
  return { A: matrix(rank, inputs), B: matrix(out, rank) };
}

function randomFactors(seed: number, rank: number, inputs: number, out: number): Factors {
  const random = seededRandom(seed);
  const matrix = (rows: number, columns: number): number[][] =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => Math.fround(random.uniform() - 0.5)));
  return { A: matrix(rank, inputs), B: matrix(out, rank) };
}

/** All that a pool knows of its units, as plain arrays. */
function contents(pool: Pool) {
  const { count, ids, weights, same, tie, gramA, gramB, maxA, maxB, dead } = pool;
  return {
    count,
    ids,
    weights: [...weights],
    same: [...same],
    tie: [...tie],
    gramA: [...gramA],
    gramB: [...gramB],
    maxA: [...maxA],
    maxB: [...maxB],
    dead,
  };
}

/** Rows as plain arrays, all zeros positive. */
const plainRows = ({ count, a, b }: UnitRows) => {
  const plain = (half: Float32Array): number[] => Array.from(half, (value) => value + 0);
  return { count, a: plain(a), b: plain(b) };
};
const every = (pool: Pool): Combination[] => pool.ids.map((_, i) => ({ members: [i], a: [1], b: [1] }));

/** Adapters of which several have the same units. */
const REPEATED: readonly Factors[] = [3, 4, 3, 4, 3].map((seed) => wholeFactors(seed, 2, 6, 5));

describe("a pool whose adapters get other weights", () => {
  it.each([[[1, 1, 1, 1, 1]], [[3, 1, 2, 1, 1]], [[1, 2, 2, 0.5, 3]]])(
    "is one that was read with them: %j",
    async (weights) => {
      const read = (own: readonly number[]) =>
        poolOf(
          tightKernels(),
          REPEATED.map((factors, t) => ({ ...factors, weight: own[t]! })),
        );
      const fresh = await read(weights);
      const pool = await read([2, 3, 1, 1, 5]);
      expect(pool.ids).not.toEqual(fresh.ids);
      pool.reweighInPlace(weights);
      expect([contents(pool), pool.rows, pool.scales]).toEqual([contents(fresh), fresh.rows, fresh.scales]);
    },
  );
});

describe.each([
  ["reference", referenceKernels],
  ["wasm", wasmKernels],
])("a pool on the %s kernels", (_, makeKernels) => {
  let kernels: Kernels;
  beforeEach(() => {
    kernels = makeKernels();
  });

  it.each([false, true])(
    "holds all units in the order of their values, with their inner products (precise: %s)",
    async (precise) => {
      const pool = await poolOf(kernels, HAND, precise);
      expect(contents(pool)).toEqual({
        count: 3,
        ids: [
          [1, 0],
          [0, 1],
          [0, 0],
        ],
        weights: [1, 1, 1],
        same: [0, 0, 0],
        tie: [0, 1, 2],
        gramA: [2, 3, 1, 3, 9, 6, 1, 6, 5],
        gramB: [16, 0, 4, 0, 1, -2, 4, -2, 5],
        maxA: [1, 3, 2],
        maxB: [4, 1, 2],
        dead: [],
      });
      expect([pool.in, pool.out, pool.precise]).toEqual([2, 2, precise]);
    },
  );

  it("folds sqrt|s| into both halves, and the sign of s into b", async () => {
    // Adapter 0 by 2 and 2, adapter 1 by 3 and -3: its a (-3, 3) still comes first, its b becomes (-12, 0).
    const pool = await poolOf(kernels, [
      { ...HAND[0]!, scale: 4 },
      { ...HAND[1]!, scale: -9 },
    ]);
    expect(pool.ids).toEqual([
      [1, 0],
      [0, 1],
      [0, 0],
    ]);
    expect([...pool.gramA]).toEqual([18, 18, 6, 18, 36, 24, 6, 24, 20]);
    expect([...pool.gramB]).toEqual([144, 0, -24, 0, 4, -8, -24, -8, 20]);
    expect(plainRows(await pool.combine(every(pool)))).toEqual({
      count: 3,
      a: [-3, 3, 0, 6, 2, 4],
      b: [-12, 0, 0, -2, 2, 4],
    });
  });

  it("keeps the delta of every unit through scales that are no squares (1e-6)", async () => {
    const scale = -2.3;
    const pool = await poolOf(kernels, [{ ...HAND[0]!, scale }]);
    const { a, b } = await pool.combine(every(pool));
    // Units (0,3|0,-1) and (1,2|1,2): s b a^T, row-major.
    const deltas = [
      [0, 0, 0, -3],
      [1, 2, 2, 4],
    ];
    for (const [i, delta] of deltas.entries()) {
      for (const [cell, value] of delta.entries()) {
        const found = b[2 * i + Math.floor(cell / 2)]! * a[2 * i + (cell % 2)]!;
        expect(Math.abs(found - scale * value)).toBeLessThan(1e-6 * Math.abs(scale * 4));
      }
    }
  });

  it("takes out dead units, whose a or b is all zero of either sign, and lists them in the files' order", async () => {
    const pool = await poolOf(kernels, [
      {
        A: [
          [0, -0],
          [1, 1],
          [2, 2],
        ],
        B: [
          [1, 0, 3],
          [1, -0, 0],
        ],
      },
      { A: [[5, 0]], B: [[1], [0]] },
    ]);
    expect(pool.ids).toEqual([
      [0, 2],
      [1, 0],
    ]);
    expect(pool.dead).toEqual([
      [0, 0],
      [0, 1],
    ]);
    expect([...pool.gramA]).toEqual([8, 10, 10, 25]);
    expect([...pool.gramB]).toEqual([9, 3, 3, 1]);
    expect([...pool.maxA]).toEqual([2, 5]);
  });

  it("is empty where all units are dead, as with scale 0", async () => {
    for (const scale of [0, -0]) {
      const pool = await poolOf(kernels, [{ ...HAND[0]!, scale }]);
      expect(contents(pool)).toMatchObject({ count: 0, ids: [], gramA: [], gramB: [] });
      expect(pool.dead).toEqual([
        [0, 0],
        [0, 1],
      ]);
      expect(plainRows(await pool.combine([]))).toEqual({ count: 0, a: [], b: [] });
    }
  });

  it("marks units of equal values, and those of equal weight besides as ties", async () => {
    const one = { A: [[1, 2]], B: [[3], [4]] };
    const pool = await poolOf(kernels, [
      { ...one, weight: 2 },
      { A: [[0, 2]], B: [[3], [4]] },
      { ...one, weight: 1 },
      { ...one, weight: 2 },
      { A: [[1, 2]], B: [[3], [5]], weight: 2 },
    ]);
    expect(pool.ids.map(([input]) => input)).toEqual([1, 2, 0, 3, 4]);
    expect([...pool.weights]).toEqual([1, 1, 2, 2, 2]);
    expect([...pool.same]).toEqual([0, 0, 1, 1, 0]);
    expect([...pool.tie]).toEqual([0, 1, 2, 2, 4]);
  });

  it("takes zeros of both signs for equal values, orders them alike from any order, and keeps their bits", async () => {
    const plus = { A: [[0, 2]], B: [[1], [0]] };
    const minus = { A: [[-0, 2]], B: [[1], [-0]] };
    const found = await Promise.all(
      [
        [plus, minus],
        [minus, plus],
      ].map(async (adapters) => {
        const pool = await poolOf(makeKernels(), adapters);
        expect([...pool.same]).toEqual([0, 1]);
        const { a, b } = await pool.combine(every(pool));
        return { a: [...a], b: [...b] };
      }),
    );
    expect(found[0]).toEqual(found[1]);
    const { a, b } = found[0]!;
    expect([a[0], a[2]].filter((value) => Object.is(value, -0))).toHaveLength(1);
    expect([b[1], b[3]].filter((value) => Object.is(value, -0))).toHaveLength(1);
  });

  it.each([false, true])("has the same bits from any order of the inputs (precise: %s)", async (precise) => {
    const adapters = [5, 3, 1, 4].map((rank, seed) => randomFactors(seed, rank, 1333, 77));
    const first = await poolOf(kernels, adapters, precise);
    const expected = contents(first);
    const rows = plainRows(await first.combine([{ members: [0, 3, 7], a: [0.3, 0.7, -1], b: [0.1, 1, 2] }]));
    for (const order of [
      [3, 2, 1, 0],
      [1, 3, 0, 2],
    ]) {
      const pool = await poolOf(
        kernels,
        order.map((t) => adapters[t]!),
        precise,
      );
      const { ids, ...rest } = contents(pool);
      expect(ids.map(([input, unit]) => [order[input], unit])).toEqual(expected.ids);
      expect({ ...rest, ids: expected.ids }).toEqual(expected);
      expect(plainRows(await pool.combine([{ members: [0, 3, 7], a: [0.3, 0.7, -1], b: [0.1, 1, 2] }]))).toEqual(rows);
    }
  });

  it.each([
    ["F64", 8, (bits: number) => bits],
    ["F32", 4, (bits: number) => bits],
    ["F16", 2, f16ToF32],
    ["BF16", 2, bf16ToF32],
    ["F8_E4M3", 1, f8E4m3ToF32],
    ["F8_E5M2", 1, f8E5m2ToF32],
  ] as const)("reads factors stored in %s, at any alignment", async (dtype, size, decode) => {
    // The same values in each type: f8 e5m2 still holds them all.
    const values = [1, -2, 0.5, 0, 3, -0.25];
    const bytes = (list: readonly number[]): Uint8Array => {
      const data = new Uint8Array(list.length * size);
      const view = new DataView(data.buffer);
      for (const [i, value] of list.entries()) {
        if (size === 8) view.setFloat64(i * 8, value, true);
        else if (size === 4) view.setFloat32(i * 4, value, true);
        else {
          const code = Array.from({ length: 256 ** size }, (_, bits) => bits).find((bits) => decode(bits) === value)!;
          if (size === 2) view.setUint16(i * 2, code, true);
          else view.setUint8(i, code);
        }
      }
      return data;
    };
    const tensors: TensorData[] = [
      { name: keyOf("m", "lora_A.weight"), dtype: dtype as FactorDtype, shape: [2, 3], data: bytes(values) },
      { name: keyOf("m", "lora_B.weight"), dtype: dtype as FactorDtype, shape: [1, 2], data: bytes([3, 1]) },
    ];
    for (const shift of [0, 1, 3]) {
      const pool = await poolOfTensors(kernels, tensors, shift);
      expect(pool.ids).toEqual([
        [0, 1],
        [0, 0],
      ]);
      expect(plainRows(await pool.combine(every(pool)))).toEqual({ count: 2, a: [0, 3, -0.25, 1, -2, 0.5], b: [1, 3] });
    }
  });

  it.each([
    ["A", "NaN", Number.NaN],
    ["A", "Inf", Number.POSITIVE_INFINITY],
    ["B", "-Inf", Number.NEGATIVE_INFINITY],
    ["B", "NaN", Number.NaN],
  ])("refuses %s with %s, naming the adapter and the tensor", async (half, _, value) => {
    const bad: Factors = { A: [[1, half === "A" ? value : 1]], B: [[1], [half === "B" ? value : 1]] };
    for (const slab of [null, 1]) {
      const error = await rejection(poolOf(kernels, [HAND[0]!, bad], false, slab));
      expect(error).toBeInstanceOf(FormatError);
      expect(error.message).toContain(`adapter 1: the tensor module.lora_${half}.weight holds NaN or infinite values`);
    }
  });

  it("refuses f64 values beyond f32", async () => {
    const data = new Uint8Array(Float64Array.from([1e300, 1]).buffer);
    const tensors: TensorData[] = [
      { name: keyOf("m", "lora_A.weight"), dtype: "F64", shape: [1, 2], data },
      { name: keyOf("m", "lora_B.weight"), dtype: "F64", shape: [1, 1], data: data.slice(8) },
    ];
    const error = await rejection(poolOfTensors(kernels, tensors, 0));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toContain("beyond f32");
  });

  describe.each([false, true])("working with rows (precise: %s)", (precise) => {
    const one: Combination = { members: [1, 2], a: [2, -1], b: [1, 3] };
    const other: Combination = { members: [0], a: [1], b: [-1] };

    it("writes combinations out", async () => {
      const pool = await poolOf(kernels, HAND, precise);
      // 2 (0,3) - (1,2) = (-1,4); (0,-1) + 3 (1,2) = (3,5).
      expect(plainRows(await pool.combine([one, other]))).toEqual({ count: 2, a: [-1, 4, -1, 1], b: [3, 5, -4, 0] });
    });

    it("measures norms over both halves together", async () => {
      const pool = await poolOf(kernels, HAND, precise);
      const rows = await pool.combine([one, other]);
      expect([...rowNorms(pool, rows, "linf")]).toEqual([5, 4]);
      expect([...rowNorms(pool, rows, "l2")]).toEqual([Math.sqrt(1 + 16 + 9 + 25), Math.sqrt(1 + 1 + 16)]);
    });

    it("scales rows in place, both halves of each by its own factor", async () => {
      const pool = await poolOf(kernels, HAND, precise);
      const rows = await pool.combine([one, other]);
      scaleRows(pool, rows, [1, -0.5]);
      expect(plainRows(rows)).toEqual({ count: 2, a: [-1, 4, 0.5, -0.5], b: [3, 5, 2, 0] });
    });

    it("finds the entry of largest size in each half, with its sign, the first of equals", async () => {
      const pool = await poolOf(kernels, HAND, precise);
      // (-1, 1) has two of size 1: the first counts; (0,3) - (1,2) = (-1,1) too.
      const difference: Combination = { members: [1, 2], a: [1, -1], b: [1, 1] };
      const { a, b } = await pool.extremes([one, other, difference]);
      expect([...a]).toEqual([4, -1, -1]);
      expect([...b]).toEqual([5, -4, 1]);
    });

    it("measures Manhattan distances, to others and to their negatives", async () => {
      const pool = await poolOf(kernels, HAND, precise);
      // one = (-1,4|3,5), other = (-1,1|-4,0): differences (0,3|7,5), sums (-2,5|-1,5).
      expect([...(await pool.manhattan([one, other], 1))]).toEqual([0, 15, 15, 0]);
      expect([...(await pool.manhattan([one, other], -1))]).toEqual([26, 13, 13, 12]);
    });
  });

  it("adds Manhattan distances up over all columns of long rows", async () => {
    // Rows 1, 1, ... and 3, 3, ..., which from column 2048 on are 0 and 7.
    const row = (value: number, tail: number): number[] => [...Array(2048).fill(value), ...Array(2065).fill(tail)];
    const pool = await poolOf(kernels, [{ A: [row(1, 0), row(3, 7)], B: [[1, 2]] }]);
    const apart = 2048 * 2 + 2065 * 7 + 1;
    expect([...(await pool.manhattan(every(pool), 1))]).toEqual([0, apart, apart, 0]);
    expect((await pool.manhattan(every(pool), -1))[1]).toBe(2048 * 4 + 2065 * 7 + 3);
  });

  it.each([1, 2, 3, 5, 7, 8, 100])("read in slabs of %i columns is the same as read at once", async (slab) => {
    const adapters = [wholeFactors(1, 3, 7, 5), wholeFactors(2, 2, 7, 5), { ...wholeFactors(3, 1, 7, 5), scale: -4 }];
    const twins = [...adapters, { ...adapters[1]!, weight: 3 }];
    const some: Combination[] = [
      { members: [0, 4], a: [0.5, 1], b: [-2, 1] },
      { members: [2], a: [1], b: [1] },
    ];
    for (const precise of [false, true]) {
      const results = [];
      for (const width of [null, slab]) {
        const pool = await poolOf(kernels, twins, precise, width);
        const { a, b } = await pool.extremes(some);
        results.push({
          pool: contents(pool),
          rows: plainRows(await pool.combine(some)),
          extremes: [...a, ...b],
          manhattan: [...(await pool.manhattan(some, 1)), ...(await pool.manhattan(some, -1))],
        });
      }
      expect(results[1]).toEqual(results[0]);
    }
  });

  it("reads sums in slabs as exactly as at once (1e-6)", async () => {
    const adapters = [randomFactors(1, 4, 3001, 200), randomFactors(2, 3, 3001, 200)];
    const whole = contents(await poolOf(kernels, adapters));
    const slabs = contents(await poolOf(kernels, adapters, false, 256));
    expect(slabs.ids).toEqual(whole.ids);
    for (const [cell, value] of whole.gramA.entries()) {
      expect(Math.abs(slabs.gramA[cell]! - value)).toBeLessThan(1e-6 * whole.gramA[0]!);
    }
  });

  it.each([
    [2000, 3, null],
    [3, 2000, null],
    [2000, 3, 256],
    [300, 300, null],
  ])("never outgrows the memory that poolBytes names (%i -> %i, slab %s)", async (inputs, out, slab) => {
    const rank = 24;
    const adapter = await openPeft(
      [
        { name: keyOf("m", "lora_A.weight"), dtype: "F32", shape: [rank, inputs], data: noise(rank * inputs) },
        { name: keyOf("m", "lora_B.weight"), dtype: "F32", shape: [out, rank], data: noise(rank * out) },
      ],
      { r: rank },
    );
    const module = adapter.modules.get("m")!;
    const merged = 7;
    const bytes = poolBytes([module], slab, { units: merged, bytes: 0 });
    const part = { input: 0, name: "x", weight: 1, module, files: adapter.files, scale: 1 };
    const pool = await Pool.survey(tightKernels(kernels), [part], { slab, streamed: false, bytes }, true);
    const all = every(pool);
    // What lego asks for at most: two passes for extremes (signs, norms), two for Manhattan distances, one for the rows.
    await pool.extremes(all);
    await pool.manhattan(all, 1);
    await pool.manhattan(all, -1);
    const rows = await pool.combine(all.slice(0, merged));
    rowNorms(pool, rows, "linf");
    await pool.extremes(all);
    scaleRows(pool, rows, Array(merged).fill(0.5));
    expect(rows.count).toBe(merged);
  });
});

function noise(count: number): Uint8Array {
  const random = seededRandom(count);
  return new Uint8Array(Float32Array.from({ length: count }, () => random.uniform() - 0.5).buffer);
}

/** The pool of module m of an adapter of these tensors, its file moved by `shift` bytes. */
async function poolOfTensors(kernels: Kernels, tensors: readonly TensorData[], shift: number): Promise<Pool> {
  const adapter = await openPeft(tensors, { r: tensors[0]!.shape[0], lora_alpha: tensors[0]!.shape[0] });
  const module = adapter.modules.get("m")!;
  const [source] = adapter.files;
  const files = [{ ...source!, read: (offset: number, into: Uint8Array) => source!.read(offset - shift, into) }];
  const moved = <T extends { begin: number; end: number }>(tensor: T): T => ({
    ...tensor,
    begin: tensor.begin + shift,
    end: tensor.end + shift,
  });
  const shifted = { ...module, a: moved(strided(module.a)), b: moved(strided(module.b)) };
  const part = { input: 0, name: "adapter", weight: 1, module: shifted, files, scale: 1 };
  return Pool.survey(kernels, [part], poolMemory([shifted], { units: module.rank, bytes: 0 }), false);
}
