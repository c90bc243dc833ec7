/** Number of elements of a tensor of this shape (1 for a scalar). Exact up to 2^53; larger products give Infinity. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (count > Number.MAX_SAFE_INTEGER) return Number.POSITIVE_INFINITY;
  }
  return count;
}

/** "(8, 768)": how messages write a shape. */
export function formatShape(shape: readonly number[]): string {
  return `(${shape.join(", ")})`;
}
