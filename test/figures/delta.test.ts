import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import {
  addProducts,
  cosineBetween,
  type DeltaFigures,
  type DeltaProducts,
  deltaFigures,
  deltaProducts,
  noProducts,
  normOf,
  productOf,
  scaleMerged,
  setSquare,
  sumProducts,
  type UnitGrams,
  weightProducts,
} from "../../src/figures/delta.ts";
import { type Combination, combinationProducts } from "../../src/linalg/combination.ts";

type Rows = readonly (readonly number[])[];

const dot = (one: readonly number[], other: readonly number[]): number =>
  one.reduce((sum, value, i) => sum + value * other[i]!, 0);

/** The Gram matrices of units given as rows, and whose they are. */
function gramsOf(inputs: readonly number[], a: Rows, b: Rows): UnitGrams {
  const gram = (rows: Rows): Float64Array => Float64Array.from(rows.flatMap((p) => rows.map((q) => dot(p, q))));
  return { count: inputs.length, ids: inputs.map((input, i) => [input, i]), gramA: gram(a), gramB: gram(b) };
}

/** The sum over units of b a^T, row-major. */
function deltaOf(a: Rows, b: Rows): number[] {
  const [inputs, out] = [a[0]!.length, b[0]!.length];
  return Array.from({ length: inputs * out }, (_, cell) =>
    a.reduce((sum, row, i) => sum + row[cell % inputs]! * b[i]![Math.floor(cell / inputs)]!, 0),
  );
}

describe("deltaProducts", () => {
  // D_0 = (1,0)(1,0)^T + (0,1)(0,2)^T = [[1,0],[0,2]], D_1 = (3,0)(1,1)^T: b (3,0), a (1,1) = [[3,3],[0,0]].
  const grams = gramsOf(
    [0, 0, 1],
    [
      [1, 0],
      [0, 1],
      [1, 1],
    ],
    [
      [1, 0],
      [0, 2],
      [3, 0],
    ],
  );

  it("gives inner products of the inputs' deltas and of the merged one, by hand", () => {
    // The merged delta has one unit: half of unit 0 and twice unit 2 in a, minus unit 1 and unit 2 in b:
    // a (2.5, 2), b (3, -2), delta [[7.5, 6], [-5, -4]].
    const merged: Combination[] = [{ members: [0, 1, 2], a: [0.5, 0, 2], b: [0, -1, 1] }];
    expect(deltaProducts(grams, combinationProducts(merged, grams), 2, 1)).toEqual({
      inputs: [5, 3, 3, 18],
      cross: [7.5 - 8, 22.5 + 18],
      merged: 56.25 + 36 + 25 + 16,
    });
  });

  it("multiplies by the square of a scale that the units leave out", () => {
    const merged: Combination[] = [{ members: [2], a: [1], b: [1] }];
    expect(deltaProducts(grams, combinationProducts(merged, grams), 2, 9)).toEqual({
      inputs: [45, 27, 27, 162],
      cross: [27, 162],
      merged: 162,
    });
  });

  it("is 0 for inputs without units and for a result without units", () => {
    expect(deltaProducts(grams, combinationProducts([], grams), 3, 1)).toEqual({
      inputs: [5, 3, 0, 3, 18, 0, 0, 0, 0],
      cross: [0, 0, 0],
      merged: 0,
    });
  });

  it("agrees with dense deltas (1e-12)", () => {
    const random = seededRandom(5);
    const matrix = (rows: number, columns: number): number[][] =>
      Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.uniform() - 0.5));
    const [a, b] = [matrix(6, 4), matrix(6, 3)];
    const inputs = [0, 1, 0, 2, 1, 1];
    const merged = Array.from({ length: 3 }, () => ({
      members: [0, 2, 5],
      a: matrix(1, 3)[0]!,
      b: matrix(1, 3)[0]!,
    }));
    const sum = (rows: Rows, members: readonly number[], by: readonly number[]): number[] =>
      rows[0]!.map((_, x) => members.reduce((total, m, i) => total + by[i]! * rows[m]![x]!, 0));
    const mergedDelta = deltaOf(
      merged.map(({ members, a: by }) => sum(a, members, by)),
      merged.map(({ members, b: by }) => sum(b, members, by)),
    );
    const own = [0, 1, 2].map((t) =>
      deltaOf(
        a.filter((_, i) => inputs[i] === t),
        b.filter((_, i) => inputs[i] === t),
      ),
    );
    const grams = gramsOf(inputs, a, b);
    const products = deltaProducts(grams, combinationProducts(merged, grams), 3, 1);
    const expected = own.flatMap((one) => own.map((other) => dot(one, other)));
    for (const [cell, value] of expected.entries()) expect(products.inputs[cell]).toBeCloseTo(value, 12);
    for (const [t, delta] of own.entries()) expect(products.cross[t]).toBeCloseTo(dot(delta, mergedDelta), 12);
    expect(products.merged).toBeCloseTo(dot(mergedDelta, mergedDelta), 12);
  });
});

/** Figures with the weights of S. */
const figuresOf = (products: DeltaProducts, weights: readonly number[]): DeltaFigures =>
  deltaFigures(products, sumProducts(products, weights));

describe("figures", () => {
  const products: DeltaProducts = { inputs: [9, 6, 0, 6, 16, 0, 0, 0, 0], cross: [3, -8, 0], merged: 4 };

  it("are norms and cosines of the inputs", () => {
    expect([0, 1, 2].map((t) => normOf(products, t))).toEqual([3, 4, 0]);
    expect(cosineBetween(products, 0, 1)).toBe(0.5);
    expect(cosineBetween(products, 0, 0)).toBe(1);
    expect(cosineBetween(products, 0, 2)).toBeNull();
  });

  it("are norm ratio, cosines and energy of the result", () => {
    // The zero input does not count in the mean norm; S = D_0 + 2 D_1 has <S, delta> = -13 and |S|^2 = 9 + 24 + 64.
    const { normRatio, cosines, energy } = figuresOf(products, [1, 2, 5]);
    expect(normRatio).toBe(2 / 3.5);
    expect(cosines).toEqual([0.5, -1, null]);
    expect(energy).toBeCloseTo(169 / (4 * 97), 15);
  });

  it("are null where a norm is 0", () => {
    expect(figuresOf({ ...products, merged: 0 }, [1, 1, 1])).toEqual({
      normRatio: 0,
      cosines: [null, null, null],
      energy: null,
    });
    expect(figuresOf(noProducts(2), [1, 1])).toEqual({ normRatio: null, cosines: [null, null], energy: null });
    const opposite: DeltaProducts = { inputs: [1, -1, -1, 1], cross: [1, -1], merged: 1 };
    expect(figuresOf(opposite, [1, 1]).energy).toBeNull();
  });

  it("stay within [-1, 1] and [0, 1] whatever rounding does, and take a negative square for 0", () => {
    const rounded: DeltaProducts = { inputs: [1], cross: [1 + 1e-15], merged: 1 };
    expect(figuresOf(rounded, [1])).toEqual({ normRatio: 1, cosines: [1], energy: 1 });
    expect(figuresOf({ ...rounded, cross: [-1 - 1e-15] }, [1]).cosines).toEqual([-1]);
    expect(normOf({ inputs: [-1e-20], cross: [0], merged: 0 }, 0)).toBe(0);
  });

  it("of adapters that were not compared are their squares alone (worked by hand)", () => {
    // The second lacks the module; the others were not compared.
    const apart: DeltaProducts = { inputs: [4, 0, 9], cross: [2, 0, 3], merged: 1 };
    expect([normOf(apart, 2), productOf(apart, 0, 1), productOf(apart, 0, 2)]).toEqual([3, 0, Number.NaN]);
    expect([cosineBetween(apart, 0, 2), cosineBetween(apart, 0, 1)]).toEqual([null, null]);
    expect(sumProducts(apart, [1, 5, 0])).toEqual({ cross: 2, square: Number.NaN });
    expect(weightProducts(apart, [2, 1, -1])).toEqual({ inputs: [16, 0, 9], cross: [4, 0, -3], merged: 1 });
    const known: DeltaProducts = { inputs: [1, 2, 3, 2, 5, 6, 3, 6, 9], cross: [0, 0, 1], merged: 2 };
    const inputs = [5, 2, Number.NaN, 2, 5, 6, Number.NaN, 6, 18];
    expect(addProducts(apart, known)).toEqual({ inputs, cross: [2, 0, 4], merged: 3 });
    setSquare(apart, 2, 16);
    setSquare(known, 2, 16);
    expect([normOf(apart, 2), normOf(known, 2), productOf(known, 1, 2)]).toEqual([4, 4, 6]);
  });

  it("add up over modules, and scale with lambda", () => {
    const sum = addProducts(addProducts(noProducts(3), products), products);
    expect(sum).toEqual({ inputs: [18, 12, 0, 12, 32, 0, 0, 0, 0], cross: [6, -16, 0], merged: 8 });
    expect(scaleMerged(products, -3)).toEqual({ inputs: products.inputs, cross: [-9, 24, -0], merged: 36 });
  });
});
