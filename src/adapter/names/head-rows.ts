/**
 * Where llama.cpp puts the rows of a query or key matrix: per head, the two halves that rotate together lie one entry after the other
 * (convert_hf_to_gguf: reshape to (heads, 2, d / 2), swap the two last).
 *
 * @param rows of the matrix; a multiple of 2 heads
 * @returns entry i is the row of Hugging Face's matrix that is row i in the GGUF file
 */
export function permutedRows(rows: number, heads: number): Int32Array {
  const half = rows / heads / 2;
  return Int32Array.from({ length: rows }, (_, i) => {
    const head = Math.floor(i / (2 * half));
    const within = i % (2 * half);
    return head * 2 * half + (within % 2) * half + Math.floor(within / 2);
  });
}

/** The inverse of a permutation: entry order[i] is i. */
export function inverseOf(order: Int32Array): Int32Array {
  const inverse = new Int32Array(order.length);
  for (const [i, row] of order.entries()) inverse[row] = i;
  return inverse;
}
