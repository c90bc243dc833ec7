import { type Matrix, matrix, productTransposed, scaledRows, transposed, transposedProduct } from "./matrix.ts";
import { exponentOf, timesPowerOfTwo } from "./scaling.ts";
import { leadingRoots, symmetricEigen } from "./symmetric-eigen.ts";

/** The most sweeps of Jacobi rotations; one to three are usual after the eigenvectors. */
const MOST_SWEEPS = 30;
/** Vectors whose cosine is below this are orthogonal. */
const ORTHOGONAL = 1e-14;

/** The singular value decomposition of a small matrix: M = sum_j sigma_j left_j right_j^T. */
export interface SmallSvd {
  /** (count), descending; values at rounding level, below max(rows, columns) 2^-52 of the largest, are left out. */
  readonly sigma: Float64Array;
  /** (count, rows): row j is the left singular vector of sigma[j]. */
  readonly left: Float64Array;
  /** (count, columns): row j is the right singular vector of sigma[j]. */
  readonly right: Float64Array;
}

/**
 * The SVD of a small matrix in f64: the eigenvectors V of M^T M make the columns of M V nearly orthogonal, and one-sided Jacobi rotations
 * (Hestenes 1958) finish the job, so that small singular values keep the accuracy that squaring M would lose. Deterministic.
 *
 * @param entries (rows, columns), finite
 */
export function smallSvd(entries: Float64Array, rows: number, columns: number): SmallSvd {
  if (columns > rows) {
    const { sigma, left, right } = smallSvd(transposed(matrix(rows, columns, entries)).data, columns, rows);
    return { sigma, left: right, right: left };
  }
  const exponent = exponentOf(entries);
  const scaled = matrix(rows, columns, timesPowerOfTwo(entries, -exponent));
  const right = symmetricEigen(transposedProduct(scaled, scaled).data, columns).vectors;
  const images = productTransposed(matrix(columns, columns, right), scaled).data;
  const norms = orthogonalizeInPlace(images, right, columns, rows);
  const order = Array.from(norms.keys()).sort((i, j) => norms[j]! - norms[i]! || i - j);
  const kept = order.filter((j) => norms[j]! > rows * Number.EPSILON * norms[order[0]!]!);
  return {
    sigma: timesPowerOfTwo(
      Float64Array.from(kept, (j) => norms[j]!),
      exponent,
    ),
    left: selectRows(images, kept, rows, (j) => 1 / norms[j]!),
    right: selectRows(right, kept, columns, () => 1),
  };
}

/**
 * The leading singular triplets, at most `most`, from eigenvectors of M^T M alone: a fraction of the work, with vectors orthogonal to
 * 1e-10. Null if squaring would lose the smallest of them.
 */
export function leadingSvd(of: Matrix, most: number): SmallSvd | null {
  if (of.columns > of.rows) {
    const found = leadingSvd(transposed(of), most);
    return found && { sigma: found.sigma, left: found.right, right: found.left };
  }
  const exponent = exponentOf(of.data);
  const scaled = matrix(of.rows, of.columns, timesPowerOfTwo(of.data, -exponent));
  const count = Math.min(most, of.columns);
  const { values, vectors } = symmetricEigen(transposedProduct(scaled, scaled).data, of.columns, count);
  const sigma = leadingRoots(values, count);
  if (sigma === null) return null;
  const images = productTransposed(matrix(count, of.columns, vectors), scaled);
  const left = scaledRows(
    images,
    sigma.map((value) => 1 / value),
  );
  return { sigma: timesPowerOfTwo(Float64Array.from(sigma), exponent), left: left.data, right: vectors };
}

/** Rotate pairs of images (count, length), and likewise the vectors (count, count), until images are orthogonal; returns their norms. */
function orthogonalizeInPlace(
  images: Float64Array,
  vectors: Float64Array,
  count: number,
  length: number,
): Float64Array {
  const squares = new Float64Array(count);
  for (let sweep = 0, rotated = true; rotated && sweep < MOST_SWEEPS; sweep++) {
    rotated = false;
    for (let p = 0; p < count; p++) squares[p] = innerProduct(images, p * length, p * length, length);
    // Images at rounding level compared with the largest stay unchanged.
    const least = squares.reduce((most, square) => Math.max(most, square), 0) * (length * Number.EPSILON) ** 2;
    for (let p = 0; p < count; p++) {
      for (let q = p + 1; q < count; q++) {
        if (squares[p]! <= least || squares[q]! <= least) continue;
        const inner = innerProduct(images, p * length, q * length, length);
        if (Math.abs(inner) <= ORTHOGONAL * Math.sqrt(squares[p]! * squares[q]!)) continue;
        rotated = true;
        const slope = (squares[q]! - squares[p]!) / (2 * inner);
        const tangent = (slope < 0 ? -1 : 1) / (Math.abs(slope) + Math.sqrt(1 + slope * slope));
        const cosine = 1 / Math.sqrt(1 + tangent * tangent);
        const sine = cosine * tangent;
        rotateRows(images, p * length, q * length, length, cosine, sine);
        rotateRows(vectors, p * count, q * count, count, cosine, sine);
        squares[p]! -= tangent * inner;
        squares[q]! += tangent * inner;
      }
    }
  }
  return Float64Array.from(squares, (_, p) => Math.sqrt(innerProduct(images, p * length, p * length, length)));
}

/** Rows x and y of `count` entries become c x - s y and s x + c y. */
function rotateRows(rows: Float64Array, x: number, y: number, count: number, c: number, s: number): void {
  for (let k = 0; k < count; k++) {
    const one = rows[x + k]!;
    const other = rows[y + k]!;
    rows[x + k] = c * one - s * other;
    rows[y + k] = s * one + c * other;
  }
}

function innerProduct(rows: Float64Array, x: number, y: number, length: number): number {
  let sum = 0;
  for (let k = 0; k < length; k++) sum += rows[x + k]! * rows[y + k]!;
  return sum;
}

/** The chosen rows, each times its factor. */
function selectRows(
  rows: Float64Array,
  chosen: readonly number[],
  length: number,
  factor: (row: number) => number,
): Float64Array {
  const out = new Float64Array(chosen.length * length);
  for (const [at, row] of chosen.entries()) {
    const by = factor(row);
    for (let k = 0; k < length; k++) out[at * length + k] = rows[row * length + k]! * by;
  }
  return out;
}
