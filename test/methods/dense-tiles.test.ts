import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { mergedTiles } from "../../src/methods/dense/merge-tiles.ts";
import { orthonormalize } from "../../src/methods/dense/orthonormalize.ts";
import { droppedByRank, largestShare } from "../../src/methods/dense/sparsifiers.ts";
import { type Task, TaskTiles } from "../../src/methods/dense/task-tiles.ts";
import { weightedSum } from "../../src/methods/elementwise/combine.ts";
import { largestOfPieces, searchBytes } from "../../src/methods/elementwise/magnitude-select.ts";
import { largestOf } from "../../src/methods/elementwise/sparsify.ts";

/** Values with many ties, zeros of both signs, and magnitudes that differ in their last bits only. */
const values = fc.array(
  fc.oneof(
    fc.float({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(0, -0, 1, -1, Math.fround(1 + 2 ** -23)),
  ),
  { minLength: 1, maxLength: 60 },
);

describe("largestOfPieces", () => {
  it("cuts as largestOf does, in any pieces and for several counts at once", () => {
    fc.assert(
      fc.property(values, fc.nat(), fc.nat(), fc.integer({ min: 1, max: 9 }), (list, p, q, width) => {
        const whole = Float32Array.from(list);
        const reversed = whole.slice().reverse();
        const counts = [p, q].map((count) => count % (whole.length + 1));
        const kernels = wasmKernels();
        kernels.reset(searchBytes(2, 2) + 8 * whole.length + 64);
        const stored = [whole, reversed].map((entries) => {
          const room = kernels.f32(entries.length);
          room.set(entries);
          return room;
        });
        const cuts = largestOfPieces(
          kernels,
          (look) => {
            for (let from = 0; from < whole.length; from += width) {
              for (const [t, entries] of stored.entries()) look(entries.subarray(from, from + width), t);
            }
          },
          2,
          whole.length,
          counts,
        );
        for (const [tensor, entries] of [whole, reversed].entries()) {
          for (const [c, count] of counts.entries()) {
            const cut = cuts[tensor]![c]!();
            const expected = largestOf(entries, count);
            expect(Array.from(entries, (x) => cut.keeps(x))).toEqual(Array.from(entries, (x) => expected.keeps(x)));
          }
        }
      }),
    );
  });
});

describe("mergedTiles", () => {
  it.each([
    // Both of two draws of a half drop.
    ["drops by rank", droppedByRank(0.5, 0.4, 3), 0.25],
    // Of equal entries the first ones stay, which a pass counts.
    ["keeps the largest", largestShare(0.25), 0.75 ** 2],
  ])("%s alike in every pass, however many merged entries stay", async (_, prepare, zeros) => {
    const kernels = wasmKernels();
    kernels.reset(2 ** 21);
    const random = seededRandom(2);
    const [rows, columns] = [20, 33];
    const task = (): Task => {
      const a = kernels.f32(columns);
      for (let x = 0; x < columns; x++) a[x] = 2 ** random.below(4);
      return { weight: 1, rank: 1, a, b: new Float32Array(rows).map(() => 2 ** random.below(2)) };
    };
    const tasks = [task(), task()];
    const passes = async (remembered: number): Promise<number[][]> => {
      const rule = { prepare, combine: weightedSum };
      const pass = mergedTiles(new TaskTiles(kernels, tasks, rows, columns, 7), rule, remembered);
      const all: number[][] = [];
      for (let i = 0; i < 3; i++) {
        const out: number[] = [];
        await pass((tile, from, count) => {
          expect([from * columns, count * columns]).toEqual([out.length, tile.length]);
          out.push(...tile);
        });
        all.push(out);
      }
      return all;
    };
    const [first, second, third] = await passes(0);
    expect(first!.filter((x) => x === 0).length / first!.length).toBeCloseTo(zeros, 1);
    expect([second, third]).toEqual([first, first]);
    for (const some of [100, 7 * columns, 14 * columns + 5, 10 ** 6]) {
      expect(await passes(some)).toEqual([first, first, first]);
    }
  });
});

describe("TaskTiles", () => {
  it("computes an entry with the same bits whatever the tile", () => {
    const kernels = wasmKernels();
    kernels.reset(2 ** 20);
    const random = seededRandom(1);
    const [rows, columns, rank] = [70, 33, 5];
    const fill = (view: Float32Array): Float32Array => view.map(() => random.uniform() - 0.5);
    const a = kernels.f32(rank * columns);
    a.set(fill(a));
    const task = { weight: 1, rank, a, b: fill(new Float32Array(rank * rows)) };
    const all = (tileRows?: number): number[] => {
      const out: number[] = [];
      new TaskTiles(kernels, [task], rows, columns, tileRows).each(([tile], from) => {
        expect(from * columns).toBe(out.length);
        out.push(...tile!);
      });
      return out;
    };
    const expected = all();
    expect(expected).toHaveLength(rows * columns);
    for (const tileRows of [1, 3, 70]) expect(all(tileRows)).toEqual(expected);
  });
});

describe("orthonormalize", () => {
  it("leaves out rows that depend on earlier ones, and keeps nearly dependent ones at right angles", () => {
    const rows = Float64Array.from(
      [
        [3, 4, 0],
        [6, 8, 0],
        [0, 0, 0],
        [3, 4, 1e-9],
        [1, 1, 1],
      ].flat(),
    );
    const into = new Float32Array(rows.length);
    expect(orthonormalize(rows, 5, 3, into)).toBe(3);
    const [p, q, r] = [0, 3, 6].map((at) => into.slice(at, at + 3));
    const dot = (one: Float32Array, other: Float32Array): number => one.reduce((sum, x, i) => sum + x * other[i]!, 0);
    expect([...p!]).toEqual([Math.fround(0.6), Math.fround(0.8), 0]);
    for (const [one, other, product] of [
      [p, p, 1],
      [q, q, 1],
      [r, r, 1],
      [p, q, 0],
      [p, r, 0],
      [q, r, 0],
    ] as const) {
      expect(dot(one!, other!)).toBeCloseTo(product, 6);
    }
  });
});
