/** Numbers in rows. */
export type Values = Float64Array | Float32Array;

/** Some columns of a matrix to be filled: from .. from + count. Sums run in f64, in one order whatever columns are asked for. */
export interface Columns {
  readonly rows: number;
  readonly from: number;
  readonly count: number;
  /** (rows, count). */
  readonly into: Values;
}

/** left (rows, k) times these columns of the right one, (k, count). */
export function fillProduct({ rows, count, into }: Columns, left: Values, right: Values): void {
  const inner = left.length / rows;
  const sums = new Float64Array(count);
  for (let row = 0; row < rows; row++) {
    sums.fill(0);
    for (let j = 0; j < inner; j++) {
      const weight = left[row * inner + j]!;
      for (let x = 0; x < count; x++) sums[x] = sums[x]! + weight * right[j * count + x]!;
    }
    into.set(sums, row * count);
  }
}

/** A row of one matrix, a row of another, and what their products are multiplied by. */
interface RowPair {
  readonly i: number;
  readonly j: number;
  readonly times: number;
}

/** Kronecker products of pairs of rows: column (x, y) holds times left[i][x] right[j][y]. @param columns of the right one */
export function fillKronecker(
  { from, count, into }: Columns,
  left: Values,
  leftColumns: number,
  right: Values,
  columns: number,
  pairs: Iterable<RowPair>,
): void {
  let at = 0;
  for (const { i, j, times } of pairs) {
    for (let column = from; column < from + count; column++) {
      const y = column % columns;
      const x = (column - y) / columns;
      into[at++] = times * left[i * leftColumns + x]! * right[j * columns + y]!;
    }
  }
}

/** All pairs of rows, the second running faster. */
export function* allPairs(rows: number, others: number): Generator<RowPair> {
  for (let i = 0; i < rows; i++) for (let j = 0; j < others; j++) yield { i, j, times: 1 };
}

/** Elementwise products of all pairs of rows of two matrices, (m, count) and (n, count). */
export function fillRowProducts({ rows, count, into }: Columns, left: Values, right: Values): void {
  const inner = right.length / count;
  for (let row = 0; row < rows; row++) {
    const [i, j] = [Math.floor(row / inner) * count, (row % inner) * count];
    for (let x = 0; x < count; x++) into[row * count + x] = left[i + x]! * right[j + x]!;
  }
}

/**
 * A Tucker core (rows, q, kernel) times channels (q, n): column (c, k) of row i is sum_j core[i][j, k] channels[j][c].
 *
 * @param inner q
 */
export function fillCore({ rows, from, count, into }: Columns, core: Values, channels: Values, inner: number): void {
  const [kernel, columns] = [core.length / (rows * inner), channels.length / inner];
  for (let row = 0; row < rows; row++) {
    for (let x = 0; x < count; x++) {
      const [channel, k] = [Math.floor((from + x) / kernel), (from + x) % kernel];
      let sum = 0;
      for (let j = 0; j < inner; j++) sum += core[(row * inner + j) * kernel + k]! * channels[j * columns + channel]!;
      into[row * count + x] = sum;
    }
  }
}
