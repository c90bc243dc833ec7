import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RowOrder } from "../../src/units/row-order.ts";

/** The order of rows read in slabs of `slab` columns, and which of them equal their predecessor. */
function orderOf(rows: readonly (readonly number[])[], weights = rows.map(() => 1), slab = Number.POSITIVE_INFINITY) {
  const order = new RowOrder(Float64Array.from(weights));
  const columns = rows[0]?.length ?? 0;
  for (let from = 0; from < columns; from += slab) {
    const length = Math.min(slab, columns - from);
    order.refine(Float32Array.from(rows.flatMap((row) => row.slice(from, from + length))), length);
  }
  return { order: [...order.order], equal: [...order.equal] };
}

describe("RowOrder", () => {
  it("compares rows value by value, the first column first", () => {
    const rows = [
      [1, 5, 0],
      [0, 9, 9],
      [1, -5, 9],
      [-2, 0, 0],
    ];
    expect(orderOf(rows)).toEqual({ order: [3, 1, 2, 0], equal: [0, 0, 0, 0] });
  });

  it("orders numbers by value and not by their bits: negative ones, infinities and fractions too", () => {
    const values = [0.5, -3, Number.NEGATIVE_INFINITY, 1e-40, -0.25, Number.POSITIVE_INFINITY, 3, -1e-40];
    const { order } = orderOf(values.map((value) => [value]));
    expect(order.map((i) => values[i]!)).toEqual(values.toSorted((a, b) => a - b));
  });

  it("finds equal rows, and orders them by weight", () => {
    const rows = [
      [1, 2],
      [0, 0],
      [1, 2],
      [1, 2],
    ];
    expect(orderOf(rows, [3, 9, 1, 2])).toEqual({ order: [1, 2, 3, 0], equal: [0, 0, 1, 1] });
  });

  it("takes zeros of both signs for equal values, but in a fixed order", () => {
    const rows = [
      [0, 1],
      [-0, 1],
      [0, 1],
    ];
    const { order, equal } = orderOf(rows);
    expect(equal).toEqual([0, 1, 1]);
    const turned = orderOf([rows[1]!, rows[2]!, rows[0]!]);
    const bits = (found: number[], all: number[][]) => found.map((i) => Object.is(all[i]![0], -0));
    expect(bits(order, rows)).toEqual(bits(turned.order, [rows[1]!, rows[2]!, rows[0]!]));
    expect(
      orderOf([
        [-0, 2],
        [0, 1],
      ]).order,
    ).toEqual([1, 0]);
    expect(
      orderOf([
        [0, 1],
        [-0, 2],
      ]).order,
    ).toEqual([0, 1]);
  });

  it("has one row and none", () => {
    expect(orderOf([[5]])).toEqual({ order: [0], equal: [0] });
    expect(orderOf([])).toEqual({ order: [], equal: [] });
  });

  const value = fc.constantFrom(-1, 0, 0.5, 2);
  const matrix = fc
    .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 5 }))
    .chain(([count, columns]) =>
      fc.array(fc.array(value, { minLength: columns, maxLength: columns }), { minLength: count, maxLength: count }),
    );

  it("gives the same order in slabs of any width as at once", () => {
    fc.assert(
      fc.property(
        matrix,
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: 1, max: 3 })),
        (rows, slab, list) => {
          const weights = rows.map((_, i) => list[i] ?? 1);
          expect(orderOf(rows, weights, slab)).toEqual(orderOf(rows, weights));
        },
      ),
    );
  });

  it("sorts: each row follows its predecessor, and is marked equal exactly where it is", () => {
    fc.assert(
      fc.property(matrix, (rows) => {
        const { order, equal } = orderOf(rows);
        expect(order.toSorted((i, j) => i - j)).toEqual([...rows.keys()]);
        for (let x = 1; x < order.length; x++) {
          const [before, row] = [rows[order[x - 1]!]!, rows[order[x]!]!];
          const at = row.findIndex((cell, c) => cell !== before[c]);
          expect(equal[x]).toBe(at < 0 ? 1 : 0);
          if (at >= 0) expect(row[at]).toBeGreaterThan(before[at]!);
        }
      }),
    );
  });
});
