import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { factorSvd } from "../../src/linalg/factor-svd.ts";

/** Inner products (n, n) of n rows. */
function gramOf(rows: readonly (readonly number[])[]): Float64Array {
  return Float64Array.from(rows.flatMap((p) => rows.map((q) => p.reduce((sum, x, i) => sum + x * q[i]!, 0))));
}

function combine(rows: readonly (readonly number[])[], coefficients: ArrayLike<number>): number[] {
  return rows[0]!.map((_, x) => rows.reduce((sum, row, i) => sum + coefficients[i]! * row[x]!, 0));
}

describe("factorSvd", () => {
  it("gives the singular values of a diagonal product (worked by hand)", () => {
    // D = 2 e1 e1^T * 3 + e2 e2^T * 4: singular values 6 and 4.
    const { sigma } = factorSvd(
      gramOf([
        [3, 0],
        [0, 4],
      ]),
      gramOf([
        [2, 0],
        [0, 1],
      ]),
      2,
    );
    expect(sigma[0]).toBeCloseTo(6, 12);
    expect(sigma[1]).toBeCloseTo(4, 12);
  });

  it("rebuilds the delta from orthonormal vectors, also where rows repeat", () => {
    const random = seededRandom(5);
    const vector = (size: number): number[] => Array.from({ length: size }, () => random.uniform() - 0.5);
    const a = [vector(9), vector(9), vector(9)];
    const b = [vector(7), vector(7), vector(7)];
    a.push(a[0]!);
    b.push(vector(7));
    const { sigma, u, v } = factorSvd(gramOf(a), gramOf(b), 4);
    expect(sigma).toHaveLength(3);
    const left = u.map((coefficients) => combine(b, coefficients));
    const right = v.map((coefficients) => combine(a, coefficients));
    for (const vectors of [left, right]) {
      const gram = gramOf(vectors);
      for (let p = 0; p < 3; p++) for (let q = 0; q < 3; q++) expect(gram[p * 3 + q]).toBeCloseTo(p === q ? 1 : 0, 9);
    }
    for (let o = 0; o < 7; o++) {
      for (let i = 0; i < 9; i++) {
        const delta = b.reduce((sum, column, j) => sum + column[o]! * a[j]![i]!, 0);
        const rebuilt = sigma.reduce((sum, s, j) => sum + s * left[j]![o]! * right[j]![i]!, 0);
        expect(rebuilt).toBeCloseTo(delta, 10);
      }
    }
  });

  it.each([
    { of: "values of one size", ratio: 0.8 },
    { of: "values down to 1e-5 of the first, beyond what squares keep", ratio: 0.1 },
  ])("gives the leading triplets alone as they are among all: $of", ({ ratio }) => {
    const random = seededRandom(9);
    const rows = (length: number): number[][] =>
      Array.from({ length: 12 }, (_, i) => Array.from({ length }, () => (random.uniform() - 0.5) * ratio ** i));
    const [a, b] = [rows(40), rows(30)];
    const all = factorSvd(gramOf(a), gramOf(b), 12);
    for (const most of [1, 3, 6]) {
      const { sigma, u, v } = factorSvd(gramOf(a), gramOf(b), 12, most);
      expect(sigma).toHaveLength(most);
      for (let j = 0; j < most; j++) {
        expect(sigma[j]! / all.sigma[j]!).toBeCloseTo(1, 6);
        for (const [vectors, others, factors] of [
          [u, all.u, b],
          [v, all.v, a],
        ] as const) {
          const cosine = combine(factors, vectors[j]!).reduce(
            (sum, x, at) => sum + x * combine(factors, others[j]!)[at]!,
            0,
          );
          expect(Math.abs(cosine)).toBeCloseTo(1, 6);
        }
      }
    }
  });

  it("keeps a triplet of 1e-8 of the first where rows are orthogonal", () => {
    const { sigma } = factorSvd(Float64Array.of(1, 0, 0, 1e-8), Float64Array.of(1, 0, 0, 1e-8), 2, 2);
    expect(sigma[0]).toBeCloseTo(1, 12);
    expect(sigma[1]! / 1e-8).toBeCloseTo(1, 6);
  });

  it("gives nothing for a zero product and for no rows", () => {
    expect(factorSvd(new Float64Array(4), gramOf([[1], [2]]), 2).sigma).toEqual([]);
    expect(factorSvd(new Float64Array(0), new Float64Array(0), 0).sigma).toEqual([]);
  });
});
