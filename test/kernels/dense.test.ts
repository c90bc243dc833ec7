import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { denseProduct, pivotedRoot, tridiagonalize, vectorsBack, whitenedRoot } from "../../src/kernels/dense.ts";

const values = (seed: number, length: number): Float64Array => {
  const random = seededRandom(seed);
  return Float64Array.from({ length }, () => random.uniform() - 0.5);
};
const size = fc.integer({ min: 1, max: 23 });

/** A symmetric matrix (n, n), bit for bit. */
function symmetric(seed: number, n: number): Float64Array {
  const half = values(seed, n * n);
  return half.map((value, at) => value + half[(at % n) * n + Math.floor(at / n)]!);
}

/** left (m, k) times right (k, p), each sum in order. */
function plainProduct(left: Float64Array, right: Float64Array, m: number, k: number): Float64Array {
  const p = right.length / k;
  const out = new Float64Array(m * p);
  for (let i = 0; i < m; i++) {
    for (let x = 0; x < k; x++) for (let j = 0; j < p; j++) out[i * p + j]! += left[i * k + x]! * right[x * p + j]!;
  }
  return out;
}

/** The transpose of a matrix (rows, columns). */
function transposedOf(matrix: Float64Array, rows: number, columns: number): Float64Array {
  return matrix.map((_, at) => matrix[(at % rows) * columns + Math.floor(at / rows)]!);
}

describe("dense algebra in wasm", () => {
  it("multiplies any shapes, straight and transposed, with the bits of plain loops", () => {
    fc.assert(
      fc.property(fc.integer(), size, size, size, (seed, m, k, p) => {
        const [left, right] = [values(seed, m * k), values(seed + 1, k * p)];
        const expected = plainProduct(left, right, m, k);
        expect(denseProduct(left, m, k, 1, right, k, p)).toEqual(expected);
        const across = left.map((_, at) => left[(at % m) * k + Math.floor(at / m)]!);
        expect(denseProduct(across, m, 1, m, right, k, p)).toEqual(expected);
        const turned = right.map((_, at) => right[(at % k) * p + Math.floor(at / k)]!);
        expect(denseProduct(left, m, k, 1, turned, k, p, true)).toEqual(expected);
      }),
    );
    expect(denseProduct(new Float64Array(0), 0, 3, 1, values(1, 6), 3, 2)).toEqual(new Float64Array(0));
    expect(denseProduct(new Float64Array(0), 2, 0, 1, new Float64Array(0), 0, 2)).toEqual(new Float64Array(4));
  });

  it("reduces a symmetric matrix to T between reflections", () => {
    fc.assert(
      fc.property(fc.integer(), size, (seed, n) => {
        const matrix = symmetric(seed, n);
        const { diagonal, beside, reflections } = tridiagonalize(n, (room) => room.set(matrix));
        // The reflections as a matrix Q: all columns of the identity, without rotations. Then Q T Q^T is the matrix.
        const none = { places: new Uint32Array(0), turns: new Float64Array(0) };
        const q = vectorsBack([...Array(n).keys()], n, none, reflections);
        const t = new Float64Array(n * n);
        for (let k = 0; k < n; k++) {
          t[k * n + k] = diagonal[k]!;
          if (k + 1 < n) t[k * n + k + 1] = t[(k + 1) * n + k] = beside[k]!;
        }
        const across = q.map((_, at) => q[(at % n) * n + Math.floor(at / n)]!);
        const rebuilt = plainProduct(across, plainProduct(t, q, n, n), n, n);
        for (const [at, value] of rebuilt.entries()) expect(value).toBeCloseTo(matrix[at]!, 12);
      }),
    );
  });

  it("undoes rotations, the last one first, on the chosen columns alone", () => {
    // One chain of two rotations by 90 degrees: rows 1 and 2, then rows 0 and 1. Undone, e_0 goes to row 1 and from there to row 2.
    const chains = { places: Uint32Array.of(1, 2), turns: Float64Array.of(0, 1, 0, 1) };
    const flat = { vectors: new Float64Array(9), betas: new Float64Array(3) };
    expect([...vectorsBack([0], 3, chains, flat)].map((x) => x + 0)).toEqual([0, 0, 1]);
    expect([...vectorsBack([2, 1], 3, chains, flat)].map((x) => x + 0)).toEqual([0, 1, 0, 1, 0, 0]);
    expect(vectorsBack([], 3, chains, flat)).toEqual(new Float64Array(0));
  });

  it("takes the farthest row as pivot, and rebuilds a Gram matrix of any rank", () => {
    const { pivots, columns } = pivotedRoot(Float64Array.of(4, 2, 2, 5), 2, 0);
    expect([...pivots]).toEqual([1, 0]);
    expect([...columns]).toEqual([2 / Math.sqrt(5), Math.sqrt(5), Math.sqrt(4 - 4 / 5), 0]);
    fc.assert(
      fc.property(fc.integer(), size, size, (seed, n, rank) => {
        const rows = values(seed, n * rank);
        const gram = plainProduct(rows, transposedOf(rows, n, rank), n, rank);
        const root = pivotedRoot(gram, n, 1e-12);
        expect(root.pivots.length).toBe(Math.min(n, rank));
        const turned = root.columns.map((_, at) => {
          const [i, j] = [Math.floor(at / root.pivots.length), at % root.pivots.length];
          return root.columns[j * n + i]!;
        });
        const rebuilt = plainProduct(turned, root.columns, n, root.pivots.length);
        for (const [at, value] of rebuilt.entries()) expect(value).toBeCloseTo(gram[at]!, 10);
      }),
    );
  });

  it("inverts the triangle of the pivots' rows", () => {
    const { inverse } = whitenedRoot(Float64Array.of(4, 2, 2, 5), 2, 0);
    expect([...inverse]).toEqual([
      1 / Math.sqrt(5),
      0,
      -((2 / Math.sqrt(5)) * (1 / Math.sqrt(5))) / Math.sqrt(3.2),
      1 / Math.sqrt(3.2),
    ]);
    fc.assert(
      fc.property(fc.integer(), size, size, (seed, n, rank) => {
        const rows = values(seed, n * rank);
        const gram = plainProduct(rows, transposedOf(rows, n, rank), n, rank);
        const { pivots, columns, inverse } = whitenedRoot(gram, n, 1e-12);
        expect({ pivots, columns }).toEqual(pivotedRoot(gram, n, 1e-12));
        const count = pivots.length;
        const triangle = Float64Array.from(
          { length: count * count },
          (_, at) => columns[Math.floor(at / count) * n + pivots[at % count]!]!,
        );
        for (const [at, value] of plainProduct(triangle, transposedOf(inverse, count, count), count, count).entries()) {
          expect(value).toBeCloseTo(at % (count + 1) === 0 ? 1 : 0, 5);
        }
      }),
    );
  });
});
