/** The rows and columns `rows` of a symmetric matrix (count, count), given by its upper triangle, written to `out`. */
export function mirrored(upper: Float64Array, count: number, rows: Int32Array, out: Float64Array): Float64Array {
  const n = rows.length;
  for (let i = 0; i < n; i++) {
    const p = rows[i]!;
    for (let j = i; j < n; j++) {
      const q = rows[j]!;
      const value = p < q ? upper[p * count + q]! : upper[q * count + p]!;
      out[i * n + j] = value;
      out[j * n + i] = value;
    }
  }
  return out;
}
