import type { MatrixHalves, MatrixRef } from "../adapter/adapter.ts";
import type { KroneckerSides } from "../adapter/lycoris/leading.ts";
import { gramSpectrum } from "../linalg/factor-svd.ts";
import { matrix as dense, type Matrix, productTransposed, transposed, transposedProduct } from "../linalg/matrix.ts";
import { leadingSvd, type SmallSvd, smallSvd } from "../linalg/small-svd.ts";

/** Reads all columns of a matrix, (rows, columns). */
export type ReadWhole = (of: MatrixRef) => Promise<Float64Array>;

/** One half of the leading singular units of a Kronecker product, each with the root of its singular value. */
export interface LeadingHalf {
  /** Singular vectors of both sides as rows, and their lengths. */
  readonly left: Float64Array;
  readonly right: Float64Array;
  readonly columns: number;
  /** For each unit the rows of both, and the root of its singular value; there are fewer where the rank is smaller. */
  readonly units: readonly { readonly i: number; readonly j: number; readonly times: number }[];
}

/** The decompositions of the module that was read last. */
let last:
  | (KroneckerSides & {
      readonly rank: number;
      readonly first: SmallSvd | null;
      readonly second: SmallSvd | null;
    })
  | null = null;

/**
 * The leading singular units of W1 (Kronecker) W2: its singular values are the products of those of W1 and W2, and its vectors the
 * Kronecker products of theirs (Van Loan 2000, section 2). In f64; equal products go by the order of the sides.
 *
 * @returns null for values that are not finite
 */
export async function leadingHalf(
  read: ReadWhole,
  half: "a" | "b",
  { left, right }: KroneckerSides,
  rank: number,
): Promise<LeadingHalf | null> {
  // Both halves need the same decompositions, and are read one after the other.
  if (last?.left !== left || last.right !== right || last.rank !== rank) {
    last = { left, right, rank, first: await svdOf(read, left, rank), second: await svdOf(read, right, rank) };
  }
  const { first, second } = last;
  if (first === null || second === null) return null;
  const units = Array.from(first.sigma, (one, i) => Array.from(second.sigma, (two, j) => ({ i, j, value: one * two })))
    .flat()
    .sort((one, other) => other.value - one.value || one.i - other.i || one.j - other.j)
    .slice(0, rank);
  const vectors = half === "a" ? "right" : "left";
  return {
    left: first[vectors],
    right: second[vectors],
    columns: right[half].columns,
    units: units.map(({ i, j, value }) => ({ i, j, times: Math.sqrt(value) })),
  };
}

/** |W1 (Kronecker) W2|^2 in the Frobenius norm. */
export async function kroneckerSquares(read: ReadWhole, { left, right }: KroneckerSides): Promise<number> {
  const squares = async (side: MatrixHalves): Promise<number> =>
    (await denseOf(read, side)).data.reduce((sum, value) => sum + value * value, 0);
  return (await squares(left)) * (await squares(right));
}

/** What is known of W1 (Kronecker) W2 from its sides alone. */
export interface KroneckerFacts {
  /** Singular values, descending; those below about 1e-7 of the first are inaccurate. */
  readonly sigma: readonly number[];
  /** Units of which one half is zero. */
  readonly dead: number;
}

/** @returns null for values that are not finite */
export async function kroneckerFacts(read: ReadWhole, { left, right }: KroneckerSides): Promise<KroneckerFacts | null> {
  const sides: { readonly sigma: readonly number[]; readonly live: number }[] = [];
  for (const side of [left, right]) {
    const whole = await denseOf(read, side);
    if (!whole.data.every(Number.isFinite)) return null;
    const rows = whole.rows <= whole.columns ? whole : transposed(whole);
    const sigma = gramSpectrum(productTransposed(rows, rows).data, rows.rows).slice(0, side.a.rows);
    const [a, b] = [liveRows(side.a.rows, await read(side.a)), liveRows(side.b.rows, await read(side.b))];
    sides.push({ sigma, live: a.filter((live, unit) => live && b[unit]).length });
  }
  const [first, second] = sides as [(typeof sides)[number], (typeof sides)[number]];
  return {
    sigma: first.sigma
      .flatMap((one) => second.sigma.map((two) => one * two))
      .filter((value) => value > 0)
      .sort((one, two) => two - one),
    dead: left.a.rows * right.a.rows - first.live * second.live,
  };
}

/** Which rows of a matrix are not zero. */
function liveRows(rows: number, values: Float64Array): boolean[] {
  const columns = values.length / rows;
  return Array.from({ length: rows }, (_, row) =>
    values.subarray(row * columns, (row + 1) * columns).some((value) => value !== 0),
  );
}

async function svdOf(read: ReadWhole, side: MatrixHalves, rank: number): Promise<SmallSvd | null> {
  const whole = await denseOf(read, side);
  if (!whole.data.every(Number.isFinite)) return null;
  const most = Math.min(rank, side.a.rows);
  return leadingSvd(whole, most) ?? smallSvd(whole.data, whole.rows, whole.columns);
}

/** W = B A (rows, columns). */
async function denseOf(read: ReadWhole, { a, b }: MatrixHalves): Promise<Matrix> {
  if (a.op === "identity") return transposed(dense(b.rows, b.columns, await read(b)));
  if (b.op === "identity") return dense(a.rows, a.columns, await read(a));
  return transposedProduct(dense(b.rows, b.columns, await read(b)), dense(a.rows, a.columns, await read(a)));
}
