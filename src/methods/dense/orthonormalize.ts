/** A row that keeps less than this share of its length after orthogonalisation is a combination of earlier rows. */
const LEAST_LEFT = 1e-14;

/**
 * Make rows orthonormal by modified Gram-Schmidt in f64, each row twice (twice is enough: Kahan and Parlett). Rows that depend on
 * earlier ones are left out.
 *
 * @param rows (count, columns); overwritten
 * @param into (count, columns); the result, rounded to f32
 * @returns how many rows are left
 */
export function orthonormalize(rows: Float64Array, count: number, columns: number, into: Float32Array): number {
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const row = rows.subarray(i * columns, (i + 1) * columns);
    const whole = Math.sqrt(dot(row, row));
    for (let round = 0; round < 2; round++) {
      for (let j = 0; j < kept; j++) {
        const other = rows.subarray(j * columns, (j + 1) * columns);
        const share = dot(row, other);
        for (let x = 0; x < columns; x++) row[x]! -= share * other[x]!;
      }
    }
    const left = Math.sqrt(dot(row, row));
    if (!(left > LEAST_LEFT * whole)) continue;
    const to = rows.subarray(kept * columns, (kept + 1) * columns);
    for (let x = 0; x < columns; x++) to[x] = row[x]! / left;
    into.set(to, kept * columns);
    kept++;
  }
  return kept;
}

function dot(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  for (let x = 0; x < one.length; x++) sum += one[x]! * other[x]!;
  return sum;
}
