import { describe, expect, it } from "vitest";
import type { FactorRef, Strides } from "../../src/adapter/adapter.ts";
import { denseFactor } from "../../src/adapter/dense-factor.ts";
import { composed, cutFactor, swappedHalves } from "../../src/adapter/weights/cut.ts";
import { factorBytes } from "../../src/convert/factor-bytes.ts";
import { memorySource } from "../../src/core/bytes.ts";
import { seededRandom } from "../../src/core/random.ts";
import { readUnits } from "../../src/fuse/unit-halves.ts";
import { poolBytes } from "../../src/units/memory.ts";
import { StoredEntries } from "../../src/units/stored-entries.ts";
import { type PoolPart, UnitReader } from "../../src/units/unit-reader.ts";
import { BACKENDS } from "../support/kernels.ts";
import { openPico, randomAdapter } from "../support/pico.ts";

const RANK = 3;
const SIZES = { a: 1300, b: 1100 };
type Half = keyof typeof SIZES;

/** Where the elements of a factor lie in its tensor, by the length of its units. */
type Layout = (size: number) => { readonly offset: number; readonly strides: Strides };

const DENSE = ["rows", "columns"] as const;
const LAYOUTS: Readonly<Record<string, Layout>> = {
  rows: (size) => ({ offset: 0, strides: { unit: size, entry: 1 } }),
  columns: () => ({ offset: 0, strides: { unit: 1, entry: RANK } }),
  "rows of a stack of experts": (size) => ({ offset: 2 * RANK * size, strides: { unit: size, entry: 1 } }),
  "rows that begin apart": (size) => ({ offset: 5, strides: { unit: size + 7, entry: 1 } }),
  "columns beside others": () => ({ offset: 4, strides: { unit: 1, entry: RANK + 5 } }),
  // As PEFT stores B of experts: column unit * experts + expert. The tensor is larger than what is read at once.
  "columns among those of 99 other experts": () => ({ offset: 42, strides: { unit: 100, entry: 100 * RANK } }),
  "rows of every 300th element": (size) => ({ offset: 1, strides: { unit: 300 * size + 2, entry: 300 } }),
};

/** The units of a half, (RANK, size). */
function unitsOf(half: Half): Float32Array {
  const random = seededRandom(half === "a" ? 1 : 2);
  return Float32Array.from({ length: RANK * SIZES[half] }, () => random.uniform() - 0.5);
}

/** A half in a tensor whose other elements are NaN, which every reader refuses. */
function stored(half: Half, layout: Layout): { ref: FactorRef; bytes: Uint8Array } {
  const size = SIZES[half];
  const { offset, strides } = layout(size);
  const begin = 8;
  const placeOf = (unit: number, entry: number): number => offset + unit * strides.unit + entry * strides.entry;
  const values = new Float32Array(begin / 4 + placeOf(RANK - 1, size - 1) + 1).fill(Number.NaN);
  for (const [i, value] of unitsOf(half).entries()) {
    values[begin / 4 + placeOf(Math.floor(i / size), i % size)] = value;
  }
  const shape = [values.length - begin / 4];
  const tensor = { name: half, file: half === "a" ? 0 : 1, dtype: "F32" as const, shape, begin };
  const ref = { ...tensor, end: values.byteLength, rank: RANK, size, offset, strides };
  return { ref, bytes: new Uint8Array(values.buffer) };
}

function partOf(a: Layout, b: Layout): PoolPart {
  const [halfA, halfB] = [stored("a", a), stored("b", b)];
  return {
    input: 0,
    name: "adapter",
    weight: 1,
    scale: -4,
    files: [memorySource("a", halfA.bytes), memorySource("b", halfB.bytes)],
    module: {
      name: "module",
      kind: "linear",
      in: SIZES.a,
      out: SIZES.b,
      inputShape: [SIZES.a],
      rank: RANK,
      scale: -4,
      a: halfA.ref,
      b: halfB.ref,
    },
  };
}

describe("a composed factor", () => {
  /** Three units of five entries: two units from one tensor in two runs of entries, one from another, doubled; the rest is zero. */
  const values = (count: number, from: number) => Float32Array.from({ length: count }, (_, i) => from + i);
  const f32 = values(8, 1);
  const f16 = Uint16Array.of(0x3c00, 0x4000, 0x4200);
  const files = [memorySource("one", new Uint8Array(f32.buffer)), memorySource("two", new Uint8Array(f16.buffer))];
  const tensor = { name: "one", file: 0, dtype: "F32" as const, shape: [2, 4], begin: 0, end: 32 };
  const whole = denseFactor(tensor, "rows", 2);
  const half = denseFactor(
    { ...tensor, name: "two", file: 1, dtype: "F16" as const, shape: [3, 1], end: 6 },
    "columns",
    1,
  );
  const made = composed(3, 5, [
    { factor: { ...whole, size: 2 }, unit: 0, entry: 3, times: 1 },
    { factor: { ...whole, size: 2, offset: 2 }, unit: 0, entry: 0, times: 1 },
    { factor: half, unit: 2, entry: 1, times: 2 },
  ]);
  const matrix = [
    [3, 4, 0, 1, 2],
    [7, 8, 0, 5, 6],
    [0, 2, 4, 6, 0],
  ];

  it("puts its pieces together, zero outside of them, in f32 where types differ", async () => {
    expect(made.dtype).toBe("F32");
    for (let from = 0; from < 5; from++) {
      for (let count = 1; from + count <= 5; count++) {
        const room = new Uint8Array(4 * 3 * count).fill(0xff);
        const { bytes, strides } = await StoredEntries.read(files, made, from, count, room);
        const view = new Float32Array(bytes.buffer, bytes.byteOffset, 3 * count);
        const got = matrix.map((_, unit) =>
          Array.from({ length: count }, (_, x) => view[unit * strides.unit + x * strides.entry]),
        );
        expect(got).toEqual(matrix.map((row) => row.slice(from, from + count)));
      }
    }
  });

  it("is cut by entries, to nothing where all are zero, and to the tensor itself where one piece is left", async () => {
    expect(cutFactor(composed(2, 6, [{ factor: whole, unit: 0, entry: 1, times: 1 }]), 5, 1)).toBeNull();
    const cut = cutFactor(composed(2, 6, [{ factor: whole, unit: 0, entry: 1, times: 1 }]), 2, 3)!;
    expect(cut).toEqual({ ...whole, size: 3, offset: 1 });
    expect(composed(2, 4, [{ factor: whole, unit: 0, entry: 0, times: 1 }])).toBe(whole);
    const swapped = swappedHalves(whole);
    const { bytes } = await StoredEntries.read(files, swapped, 0, 4);
    expect([...new Float32Array(bytes.buffer)]).toEqual([3, 4, 1, 2, 7, 8, 5, 6]);
    const back = await StoredEntries.read(files, swappedHalves(swapped), 0, 4);
    expect([...new Float32Array(back.bytes.buffer)]).toEqual([...f32]);
  });
});

describe("a dense factor", () => {
  it.each(DENSE)("has its units in %s", (units) => {
    const tensor = { name: "x", file: 0, dtype: "F16" as const, shape: [RANK, 5, 2], begin: 0, end: 60 };
    const { rank, size, offset, strides } = denseFactor(tensor, units, RANK);
    expect({ rank, size, offset, strides }).toEqual({ rank: RANK, size: 10, ...LAYOUTS[units]!(10) });
  });
});

describe.each(Object.keys(LAYOUTS))("units in %s", (name) => {
  const layout = LAYOUTS[name]!;

  describe.each(BACKENDS)("on %s", (_, create) => {
    it.each([null, 512])("are read by merges (slabs of %s columns)", async (slab) => {
      const rows: Record<Half, number[][]> = { a: [[], [], []], b: [[], [], []] };
      const part = partOf(layout, layout);
      const kernels = create();
      kernels.reset(poolBytes([part.module], slab, { units: 0, bytes: 0 }));
      const reader = new UnitReader(kernels, [part], slab);
      for (const half of ["a", "b"] as const) {
        await reader.visit(half, (strip, length) => {
          for (let i = 0; i < RANK; i++) rows[half][i]!.push(...strip.subarray(i * length, (i + 1) * length));
        });
        // The scale -4: 2 in A, -2 in B.
        const expected = Array.from(unitsOf(half), (value) => (half === "a" ? 2 : -2) * value);
        expect(rows[half].flat()).toEqual(expected);
      }
    });

    it("are read by fuse", async () => {
      const { module, files } = partOf(layout, layout);
      const adapter = { ...(await openPico("x", randomAdapter(1, { modules: { q: { in: 1, out: 1 } } }))), files };
      const kernels = create();
      kernels.reset(8 * RANK * (SIZES.a + SIZES.b) + 4 * RANK * SIZES.a);
      const [along, across] = [kernels.f32(RANK * SIZES.b), kernels.f32(RANK * SIZES.a)];
      const part = { input: 0, expert: null, module: "module", factor: 1, along: module.b, across: module.a };
      await readUnits(kernels, [adapter], [part], kernels.bytes(4 * RANK * SIZES.a), along, across);
      expect([...along]).toEqual([...unitsOf("b")]);
      expect([...across]).toEqual([...unitsOf("a")]);
    });
  });

  it("are written in rows and in columns, with zero units behind them, and multiplied", async () => {
    const { module, files } = partOf(layout, layout);
    const content = { kind: "factor" as const, factor: module.a, times: 1, units: "rows" as const, writtenRank: 4 };
    const inRows = await factorBytes({ name: "x", files }, { ...content, entries: null }, "F32", "x");
    expect([...new Float32Array(inRows.buffer)]).toEqual([...unitsOf("a"), ...Array<number>(SIZES.a).fill(0)]);
    const entries = Int32Array.of(7, 1299);
    const inColumns = await factorBytes(
      { name: "x", files },
      { ...content, units: "columns", times: -0.5, entries },
      "F32",
      "x",
    );
    const [u, v, w] = [0, 1, 2].map((i) => unitsOf("a").subarray(i * SIZES.a, (i + 1) * SIZES.a));
    const expected = [u![7]!, v![7]!, w![7]!, -0, u![1299]!, v![1299]!, w![1299]!, -0].map((value) => -0.5 * value);
    expect([...new Float32Array(inColumns.buffer)]).toEqual(expected);
  });
});
