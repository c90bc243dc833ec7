import { readFileSync } from "node:fs";
import fc from "fast-check";
import { EigenvalueDecomposition, Matrix, SingularValueDecomposition } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { gramBasis } from "../../src/linalg/gram-basis.ts";
import { matrix, productTransposed } from "../../src/linalg/matrix.ts";
import { smallSvd } from "../../src/linalg/small-svd.ts";
import { symmetricEigen } from "../../src/linalg/symmetric-eigen.ts";
import { eigenErrors, sizeOf, svdErrors } from "../support/residuals.ts";
import { type RectangularCase, rectangularOf, type SymmetricCase, symmetricOf } from "../support/spectra.ts";

interface Golden {
  readonly eigenvalues: readonly (SymmetricCase & { readonly values: readonly number[] })[];
  readonly singularValues: readonly (RectangularCase & { readonly values: readonly number[] })[];
  readonly cholesky: readonly (SymmetricCase & { readonly found: number; readonly diagonal: readonly number[] })[];
}

const golden = JSON.parse(readFileSync(new URL("../golden/lapack.json", import.meta.url), "utf8")) as Golden;

/**
 * The largest difference, the list that is shorter filled up with zeros, in units of n 2^-52 of the largest value; the step from one
 * denormal to the next is none.
 */
function apart(found: ArrayLike<number>, expected: ArrayLike<number>, n: number): number {
  const size = sizeOf(Float64Array.from(expected));
  let most = 0;
  for (let i = 0; i < Math.max(found.length, expected.length); i++) {
    most = Math.max(most, Math.abs((found[i] ?? 0) / size - (expected[i] ?? 0) / size) - Number.MIN_VALUE / size);
  }
  return most / (n * Number.EPSILON);
}

describe("symmetricEigen beside LAPACK's dsyevd", () => {
  it.each(golden.eigenvalues)("$kind of $n, rank $rank, times 2^$exponent", ({ values: expected, ...of }) => {
    const given = symmetricOf(of);
    const found = symmetricEigen(given, of.n);
    expect(apart(found.values, expected, of.n)).toBeLessThan(8);
    const { residual, orthogonality } = eigenErrors(given, of.n, found);
    expect(residual).toBeLessThan(8);
    expect(orthogonality).toBeLessThan(8);
  });
});

describe("smallSvd beside LAPACK's dgesdd", () => {
  it.each(golden.singularValues)(
    "$kind of $rows x $columns, rank $rank, times 2^$exponent",
    ({ values: expected, ...of }) => {
      const given = rectangularOf(of);
      const { rows, columns } = of;
      const found = smallSvd(given, rows, columns);
      expect(apart(found.sigma, expected, Math.max(rows, columns))).toBeLessThan(8);
      const { residual, orthogonality } = svdErrors(given, rows, columns, found);
      expect(residual).toBeLessThan(8);
      expect(orthogonality).toBeLessThan(64);
    },
  );
});

describe("gramBasis beside LAPACK's dpstrf", () => {
  it.each(golden.cholesky)("$kind of $n, rank $rank, times 2^$exponent", ({ found, diagonal, ...of }) => {
    const given = symmetricOf(of);
    const { size, rooted } = gramBasis(given, of.n);
    expect(size).toBe(found);
    // Squares, as those are exact to rounding; a pivot of 1e-6 of the largest has no digits to spare.
    const pivots = Array.from({ length: size }, (_, j) => Math.max(...rooted.filter((_, at) => at % size === j)));
    const largest = diagonal[0] ?? 1;
    const squares = (roots: readonly number[]): number[] => roots.map((root) => (root / largest) ** 2);
    expect(apart(squares(pivots), squares(diagonal), of.n)).toBeLessThan(64);
    const whole = Math.sqrt(sizeOf(given));
    const coordinates = matrix(
      of.n,
      size,
      rooted.map((x) => x / whole),
    );
    const largestEntry = sizeOf(given);
    const scaled = given.map((x) => x / largestEntry);
    // What is left out is below 1e-12 of the largest.
    expect(apart(productTransposed(coordinates, coordinates).data, scaled, 1) * Number.EPSILON).toBeLessThan(2e-12);
  });
});

/** Any case, of size one: what other sizes change is held against LAPACK above. */
const KIND = fc.constantFrom("gram", "falling", "rising", "bordered", "clusters", "indefinite");
const SIZE = fc.integer({ min: 1, max: 40 });
const SHARE = fc.double({ min: 0, max: 1, noNaN: true });
const asMatrix = (data: Float64Array, rows: number): Matrix =>
  Matrix.from1DArray(rows, data.length / rows, Array.from(data));

describe("any hostile spectrum", () => {
  it("has the eigenvalues that ml-matrix finds, and eigenvectors", () => {
    fc.assert(
      fc.property(KIND, SIZE, SHARE, fc.nat(), (kind, n, share, seed) => {
        const given = symmetricOf({ kind, n, rank: Math.round(share * n), seed, exponent: 0 });
        const found = symmetricEigen(given, n);
        const { realEigenvalues } = new EigenvalueDecomposition(asMatrix(given, n), { assumeSymmetric: true });
        const expected = realEigenvalues.sort((p, q) => q - p);
        expect(apart(found.values, expected, n)).toBeLessThan(16);
        const { residual, orthogonality } = eigenErrors(given, n, found);
        expect(Math.max(residual, orthogonality)).toBeLessThan(8);
      }),
      { numRuns: 300 },
    );
  });

  it("has the singular values that ml-matrix finds, and singular vectors", () => {
    const kinds = fc.constantFrom("gram", "falling", "bordered");
    fc.assert(
      fc.property(kinds, SIZE, SIZE, SHARE, fc.nat(), (kind, rows, columns, share, seed) => {
        const rank = Math.round(share * Math.min(rows, columns));
        const given = rectangularOf({ kind, rows, columns, rank, seed, exponent: 0 });
        const found = smallSvd(given, rows, columns);
        const { diagonal } = new SingularValueDecomposition(asMatrix(given, rows), { autoTranspose: true });
        expect(apart(found.sigma, diagonal, Math.max(rows, columns))).toBeLessThan(16);
        const { residual, orthogonality } = svdErrors(given, rows, columns, found);
        expect(Math.max(residual, orthogonality)).toBeLessThan(64);
      }),
      { numRuns: 300 },
    );
  });

  it("ends for entries that are not finite, and does not hide them", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const { values } = symmetricEigen(Float64Array.of(1, value, 2, value, 1, 0, 2, 0, 3), 3);
      expect(values.every(Number.isFinite)).toBe(false);
    }
  });
});
