/** What hostile matrices of an exact construction are made of; tools/golden/lapack.py makes the same ones. */
export interface SymmetricCase {
  readonly kind: string;
  readonly n: number;
  readonly rank: number;
  readonly seed: number;
  /** All entries times 2^exponent. */
  readonly exponent: number;
}

export interface RectangularCase extends Omit<SymmetricCase, "n"> {
  readonly rows: number;
  readonly columns: number;
}

type Rows = Float64Array[];

/** (n, n): a symmetric matrix whose entries are exact, so that every program makes the same bits of it. */
export function symmetricOf({ kind, n, rank, seed, exponent }: SymmetricCase): Float64Array {
  return flat(unscaled(kind, n, rank, seed), exponent);
}

/** (rows, columns), of rank at most `rank`, exact. */
export function rectangularOf({ kind, rows, columns, rank, seed, exponent }: RectangularCase): Float64Array {
  const left = shaped(kind, integers(seed, rows, rank));
  const right = integers(seed + 1, rank, columns);
  return flat(
    left.map((row) =>
      Float64Array.from({ length: columns }, (_, x) =>
        dot(
          row,
          Float64Array.from(right, (r) => r[x]!),
        ),
      ),
    ),
    exponent,
  );
}

function unscaled(kind: string, n: number, rank: number, seed: number): Rows {
  if (kind === "wilkinson") {
    return square(n, (i, j) => (i === j ? Math.abs(i - (n - 1) / 2) : Math.abs(i - j) === 1 ? 1 : 0));
  }
  if (kind === "clusters") {
    const values = square(n, (i, j) => (i === j && i < rank ? [4, 4, 1][i % 3]! : 0));
    return reflected(reflected(values, signs(seed, n, true)), signs(seed + 1, n, false));
  }
  const factors = shaped(kind, integers(seed, n, rank));
  const signed = factors.map((row) => row.map((x, r) => (kind === "indefinite" && r % 2 === 1 ? -x : x)));
  return square(n, (i, j) => dot(signed[i]!, factors[j]!));
}

/** Rows zeroed or graded over fifty powers of two, as the kind says. */
function shaped(kind: string, rows: Rows): Rows {
  const n = rows.length;
  const factor = (i: number): number => {
    if (kind === "bordered") return i % 3 === 0 ? 0 : 1;
    if (kind === "falling") return 2 ** -Math.floor((50 * i) / n);
    return kind === "rising" ? 2 ** -Math.floor((50 * (n - 1 - i)) / n) : 1;
  };
  return rows.map((row, i) => row.map((x) => x * factor(i)));
}

/** Integers in -3..3 from a linear congruential generator (Numerical Recipes' constants). */
function integers(seed: number, rows: number, columns: number): Rows {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return ((state >>> 16) % 7) - 3;
  };
  return Array.from({ length: rows }, () => Float64Array.from({ length: columns }, next));
}

/** -1 and 1 in 2^j places, the first or the last ones, as many as fit; 0 elsewhere. */
function signs(seed: number, n: number, first: boolean): Float64Array {
  const many = 2 ** Math.floor(Math.log2(n));
  const drawn = integers(seed, 1, many)[0]!.map((x) => (x < 0 ? -1 : 1));
  const v = new Float64Array(n);
  v.set(drawn, first ? 0 : n - many);
  return v;
}

/** H M H of H = I - 2 v v^T / v^T v, whose v^T v is a power of two. */
function reflected(rows: Rows, v: Float64Array): Rows {
  const factor = 2 / dot(v, v);
  const images = rows.map((row) => dot(row, v));
  const right = rows.map((row, i) => row.map((x, j) => x - factor * images[i]! * v[j]!));
  const across = v.map((_, j) => right.reduce((sum, row, i) => sum + v[i]! * row[j]!, 0));
  return right.map((row, i) => row.map((x, j) => x - factor * v[i]! * across[j]!));
}

function square(n: number, entry: (i: number, j: number) => number): Rows {
  return Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (_, j) => entry(i, j)));
}

function dot(one: Float64Array, other: Float64Array): number {
  return one.reduce((sum, x, i) => sum + x * other[i]!, 0);
}

function flat(rows: Rows, exponent: number): Float64Array {
  return Float64Array.from(rows.flatMap((row) => Array.from(row, (x) => x * 2 ** exponent)));
}
