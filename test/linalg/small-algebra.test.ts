import fc from "fast-check";
import { EigenvalueDecomposition, Matrix, SingularValueDecomposition } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { gramBasis } from "../../src/linalg/gram-basis.ts";
import { matrix } from "../../src/linalg/matrix.ts";
import { leadingSvd, smallSvd } from "../../src/linalg/small-svd.ts";
import { symmetricEigen } from "../../src/linalg/symmetric-eigen.ts";

/** Rows x columns of normal entries, row i times scale(i). */
function randomMatrix(seed: number, rows: number, columns: number, scale: (row: number) => number = () => 1): Matrix {
  const random = seededRandom(seed);
  return new Matrix(
    Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, () => (random.uniform() - 0.5) * scale(i))),
  );
}

const flat = (matrix: Matrix): Float64Array => Float64Array.from(matrix.to1DArray());
const rowsOf = (data: Float64Array, count: number): Matrix =>
  count === 0 ? Matrix.zeros(0, 0) : Matrix.from1DArray(count, data.length / count, [...data]);
const worst = (one: Matrix, other: Matrix): number => Matrix.sub(one, other).abs().max();
const productsOf = (rows: Matrix): Matrix => rows.mmul(rows.transpose());

/** The largest entry of |X X^T - I|. */
function lossOfOrthogonality(rows: Matrix): number {
  return rows.rows === 0 ? 0 : worst(productsOf(rows), Matrix.eye(rows.rows));
}

describe("symmetricEigen", () => {
  it("solves 2 x 2 by hand", () => {
    // (2 1; 1 2): 3 along (1, 1), 1 along (1, -1).
    const { values, vectors } = symmetricEigen(Float64Array.of(2, 1, 1, 2), 2);
    expect([...values]).toEqual([expect.closeTo(3, 14), expect.closeTo(1, 14)]);
    expect(vectors[0]! / vectors[1]!).toBeCloseTo(1, 14);
    expect(vectors[2]! / vectors[3]!).toBeCloseTo(-1, 14);
  });

  it.each([
    { of: "one value", data: [-7], n: 1, values: [-7] },
    { of: "zeros", data: [0, 0, 0, 0, 0, 0, 0, 0, 0], n: 3, values: [0, 0, 0] },
    { of: "the identity", data: [1, 0, 0, 0, 1, 0, 0, 0, 1], n: 3, values: [1, 1, 1] },
    { of: "a diagonal out of order", data: [-1, 0, 0, 0, 5, 0, 0, 0, 2], n: 3, values: [5, 2, -1] },
    { of: "a rank of one", data: [1, 2, 3, 2, 4, 6, 3, 6, 9], n: 3, values: [14, 0, 0] },
    { of: "entries near the end of f64", data: [2e300, 1e300, 1e300, 2e300], n: 2, values: [3e300, 1e300] },
  ])("solves $of", ({ data, n, values: expected }) => {
    const { values, vectors } = symmetricEigen(Float64Array.from(data), n);
    const scale = Math.max(1, ...expected.map(Math.abs));
    expect([...values].map((value) => value / scale)).toEqual(
      expected.map((value) => expect.closeTo(value / scale, 13)),
    );
    expect(lossOfOrthogonality(rowsOf(vectors, n))).toBeLessThan(1e-14);
  });

  it("agrees with ml-matrix and rebuilds the matrix to 1e-13 of its norm", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (seed, n, rank) => {
        const gram = productsOf(randomMatrix(seed, n, rank, (row) => 10 ** -(row % 4)));
        const { values, vectors } = symmetricEigen(flat(gram), n);
        const rows = rowsOf(vectors, n);
        const norm = gram.norm();
        const expected = new EigenvalueDecomposition(gram, { assumeSymmetric: true }).realEigenvalues.sort(
          (p, q) => q - p,
        );
        for (const [i, value] of expected.entries()) expect(Math.abs(values[i]! - value)).toBeLessThan(1e-13 * norm);
        expect(lossOfOrthogonality(rows)).toBeLessThan(1e-13);
        const rebuilt = rows
          .transpose()
          .mmul(Matrix.diag([...values]))
          .mmul(rows);
        expect(worst(rebuilt, gram)).toBeLessThan(1e-13 * norm);
      }),
    );
  });

  it("gives the leading vectors alone with the bits that they have among all, equal values included", () => {
    const size = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(fc.integer(), size, size, fc.nat(40), (seed, n, rank, count) => {
        const gram = flat(productsOf(randomMatrix(seed, n, rank)));
        for (let i = 0; i < n; i++) gram[i * n + i]! += i % 2;
        const all = symmetricEigen(gram, n);
        const { values, vectors } = symmetricEigen(gram, n, count);
        expect(values).toEqual(all.values);
        expect(vectors).toEqual(all.vectors.slice(0, Math.min(count, n) * n));
      }),
    );
  });

  it("leaves the matrix as it is and gives the same bits again", () => {
    const data = flat(productsOf(randomMatrix(3, 12, 12)));
    const copy = data.slice();
    const first = symmetricEigen(data, 12);
    expect(data).toEqual(copy);
    expect(symmetricEigen(data, 12)).toEqual(first);
  });
});

describe("smallSvd", () => {
  it("takes apart 2 x 3 by hand", () => {
    // (3 0 0; 0 0 -4): 4 from (0, 0, 1) to -(0, 1), 3 from (1, 0, 0) to (1, 0).
    const { sigma, left, right } = smallSvd(Float64Array.of(3, 0, 0, 0, 0, -4), 2, 3);
    expect([...sigma]).toEqual([4, 3]);
    expect(left[1]! * right[2]!).toBe(-1);
    expect(left[2]! * right[3]!).toBe(1);
  });

  it("finds nothing in zeros", () => {
    expect(smallSvd(new Float64Array(6), 2, 3).sigma).toHaveLength(0);
  });

  it("agrees with ml-matrix on any shape and rank, to 1e-13 of the largest value", () => {
    const size = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(fc.integer(), size, size, size, (seed, rows, columns, rank) => {
        const matrix = randomMatrix(seed, rows, rank).mmul(randomMatrix(seed + 1, rank, columns));
        const { sigma, left, right } = smallSvd(flat(matrix), rows, columns);
        const expected = new SingularValueDecomposition(matrix, { autoTranspose: true }).diagonal;
        expect(sigma.length).toBeLessThanOrEqual(Math.min(rows, columns, rank));
        for (const [i, value] of expected.entries()) {
          expect(Math.abs((sigma[i] ?? 0) - value)).toBeLessThan(1e-13 * expected[0]!);
        }
        const [u, v] = [rowsOf(left, sigma.length), rowsOf(right, sigma.length)];
        expect(lossOfOrthogonality(u)).toBeLessThan(1e-12);
        expect(lossOfOrthogonality(v)).toBeLessThan(1e-12);
        const rebuilt = u
          .transpose()
          .mmul(Matrix.diag([...sigma]))
          .mmul(v);
        expect(worst(rebuilt, matrix)).toBeLessThan(1e-13 * expected[0]!);
      }),
    );
  });

  it("keeps the accuracy of values that the square of the matrix loses", () => {
    // Columns of 1 and 1e-10: in M^T M the small one is 1e-20, below rounding beside 1.
    const angle = 0.3;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const matrix = Float64Array.of(c, -s * 1e-10, s, c * 1e-10);
    const { sigma } = smallSvd(matrix, 2, 2);
    expect(sigma[0]).toBeCloseTo(1, 14);
    expect(sigma[1]! / 1e-10).toBeCloseTo(1, 5);
  });
});

describe("leadingSvd", () => {
  it("gives the leading triplets of any shape as smallSvd does, to 1e-9", () => {
    const size = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(fc.integer(), size, size, size, (seed, rows, columns, most) => {
        const of = flat(randomMatrix(seed, rows, columns));
        const all = smallSvd(of, rows, columns);
        const count = Math.min(most, all.sigma.length);
        const found = leadingSvd(matrix(rows, columns, of), most);
        if (all.sigma[count - 1]! < 2e-3 * all.sigma[0]!) return;
        expect(found!.sigma).toHaveLength(count);
        for (let j = 0; j < count; j++) expect(found!.sigma[j]! / all.sigma[j]!).toBeCloseTo(1, 9);
        const [u, v] = [rowsOf(found!.left, count), rowsOf(found!.right, count)];
        expect(lossOfOrthogonality(u)).toBeLessThan(1e-9);
        expect(lossOfOrthogonality(v)).toBeLessThan(1e-9);
        const projected = u.mmul(Matrix.from1DArray(rows, columns, [...of])).mmul(v.transpose());
        expect(worst(projected, Matrix.diag([...found!.sigma]))).toBeLessThan(1e-9 * all.sigma[0]!);
      }),
    );
  });

  it("declines where the least triplet asked for is lost by squaring, and takes those before it", () => {
    const of = matrix(2, 2, Float64Array.of(1, 0, 0, 1e-4));
    expect(leadingSvd(of, 2)).toBeNull();
    expect([...leadingSvd(of, 1)!.sigma]).toEqual([1]);
    expect(leadingSvd(matrix(2, 3), 1)).toBeNull();
  });
});

describe("gramBasis", () => {
  it("takes apart the Gram matrix of (3, 4) and (0, 2) by hand", () => {
    // The longer row first: (3, 4) / 5; what is left of (0, 2) is (0, 2) - 8/25 (3, 4), of length 6/5.
    const { size, rooted, whitened } = gramBasis(Float64Array.of(25, 8, 8, 4), 2);
    expect(size).toBe(2);
    expect([...rooted]).toEqual([5, 0, expect.closeTo(8 / 5, 14), expect.closeTo(6 / 5, 14)]);
    expect([...whitened]).toEqual([
      expect.closeTo(1 / 5, 14),
      expect.closeTo(-4 / 15, 14),
      0,
      expect.closeTo(5 / 6, 14),
    ]);
  });

  it("spans any rows: coordinates rebuild the Gram matrix, and the basis is orthonormal", () => {
    const size = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(fc.integer(), size, size, (seed, n, rank) => {
        const rows = randomMatrix(seed, n, rank, (row) => 10 ** -(row % 3));
        const gram = productsOf(rows);
        const basis = gramBasis(flat(gram), n);
        expect(basis.size).toBeLessThanOrEqual(Math.min(n, rank));
        const coordinates = rowsOf(basis.rooted, n);
        expect(worst(productsOf(coordinates), gram)).toBeLessThan(1e-11 * gram.max());
        const directions = rowsOf(basis.whitened, n).transpose().mmul(rows);
        expect(lossOfOrthogonality(directions)).toBeLessThan(1e-3);
        expect(worst(coordinates.mmul(directions), rows)).toBeLessThan(1e-5 * rows.norm());
      }),
    );
  });

  it("gives rows that repeat, or are zero, no direction of their own", () => {
    const gram = Float64Array.of(4, 4, 0, 4, 4, 0, 0, 0, 0);
    expect(gramBasis(gram, 3).size).toBe(1);
    expect(gramBasis(new Float64Array(9), 3).size).toBe(0);
  });
});
