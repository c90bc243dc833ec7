import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { UnitGrams } from "../../src/figures/delta.ts";
import { addResponses, NO_RESPONSE, responseProducts } from "../../src/figures/response.ts";
import { type Combination, combinationProducts } from "../../src/linalg/combination.ts";

type Rows = readonly (readonly number[])[];
type Dense = number[][];

const dot = (one: readonly number[], other: readonly number[]): number =>
  one.reduce((sum, value, i) => sum + value * other[i]!, 0);

function gramsOf(inputs: readonly number[], a: Rows, b: Rows): UnitGrams {
  const gram = (rows: Rows): Float64Array => Float64Array.from(rows.flatMap((p) => rows.map((q) => dot(p, q))));
  return { count: inputs.length, ids: inputs.map((input, i) => [input, i]), gramA: gram(a), gramB: gram(b) };
}

/** sum of b a^T. */
function dense(a: Rows, b: Rows): Dense {
  return b[0]!.map((_, y) => a[0]!.map((_, x) => a.reduce((sum, row, i) => sum + b[i]![y]! * row[x]!, 0)));
}
const times = (p: Dense, q: Dense): Dense =>
  p.map((row) => q[0]!.map((_, x) => row.reduce((s, v, k) => s + v * q[k]![x]!, 0)));
const flip = (p: Dense): Dense => p[0]!.map((_, x) => p.map((row) => row[x]!));
const inner = (p: Dense, q: Dense): number => p.reduce((sum, row, y) => sum + dot(row, q[y]!), 0);

describe("responseProducts", () => {
  it("compares the result with one adapter, by hand", () => {
    // D = (0,2)^T (1,0) has C = D^T D = diag(4, 0). D' = 3 D + (1,0)^T (0,5): only 3 D acts on D's input direction.
    const grams = gramsOf([0], [[1, 0]], [[0, 2]]);
    const threefold: Combination[] = [{ members: [0], a: [1], b: [3] }];
    const products = combinationProducts(threefold, grams);
    expect(responseProducts(grams, products, [{ units: [0], weight: 1 }])).toEqual({ answered: 3, square: 9 });
    // Measured against half the delta, the result is six times too large.
    expect(responseProducts(grams, products, [{ units: [0], weight: 0.5 }])).toEqual({ answered: 6, square: 36 });
    expect(responseProducts(grams, products, [{ units: [0], weight: 0 }])).toEqual(NO_RESPONSE);
  });

  it("does not count an adapter whose units cancel out", () => {
    const grams = gramsOf(
      [0, 1, 1],
      [
        [1, 0],
        [1, 1],
        [1, 1],
      ],
      [
        [0, 2],
        [1, 0],
        [-1, 0],
      ],
    );
    const products = combinationProducts([{ members: [0], a: [1], b: [1] }], grams);
    const asked = [0, 1].map((input) => ({ units: input === 0 ? [0] : [1, 2], weight: 1 }));
    expect(responseProducts(grams, products, asked)).toEqual({ answered: 1, square: 1 });
  });

  it("equals its definition on dense matrices, and adds up", () => {
    const row = (length: number) =>
      fc.array(
        fc.integer({ min: -128, max: 128 }).map((x) => x / 64),
        { minLength: length, maxLength: length },
      );
    fc.assert(
      fc.property(fc.array(fc.tuple(row(3), row(4)), { minLength: 4, maxLength: 4 }), row(4), (units, mix) => {
        const [a, b] = [units.map(([x]) => x), units.map(([, y]) => y)];
        const grams = gramsOf([0, 0, 1, 1], a, b);
        const merged: Combination[] = [
          { members: [0, 1, 2, 3], a: mix, b: [1, 0, 1, 0] },
          { members: [1, 3], a: [1, -1], b: [0.5, 2] },
        ];
        const rows = (half: "a" | "b", of: Rows): number[][] =>
          merged.map((unit) =>
            of[0]!.map((_, x) => Array.from(unit.members).reduce((s, m, at) => s + unit[half][at]! * of[m]![x]!, 0)),
          );
        const result = dense(rows("a", a), rows("b", b));
        const products = combinationProducts(merged, grams);
        let expected = NO_RESPONSE;
        for (const t of [0, 2]) {
          const delta = dense(a.slice(t, t + 2), b.slice(t, t + 2));
          const c = times(flip(delta), delta);
          const own = inner(times(delta, c), delta);
          fc.pre(own > 1e-3);
          const answered = inner(times(result, c), delta) / own;
          expected = addResponses(expected, { answered, square: inner(times(result, c), result) / own });
        }
        const found = responseProducts(grams, products, [
          { units: [0, 1], weight: 1 },
          { units: [2, 3], weight: 1 },
        ]);
        const bound = 1e-9 * (1 + expected.square);
        expect(Math.abs(found.answered - expected.answered)).toBeLessThan(bound);
        expect(Math.abs(found.square - expected.square)).toBeLessThan(bound);
      }),
    );
  });
});
