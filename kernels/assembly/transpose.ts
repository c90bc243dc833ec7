// A 4 x 4 transpose in registers; one function a row because wasm functions have one result.

// @ts-ignore: decorator
@inline
function lowPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 4, 1, 5);
}

// @ts-ignore: decorator
@inline
function highPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 2, 6, 3, 7);
}

/** Row `k` (a constant) of the transpose of the rows a, b, c, d. */
// @ts-ignore: decorator
@inline
export function transposed(k: i32, a: v128, b: v128, c: v128, d: v128): v128 {
  if (k == 0) return v128.shuffle<i64>(lowPairs(a, b), lowPairs(c, d), 0, 2);
  if (k == 1) return v128.shuffle<i64>(lowPairs(a, b), lowPairs(c, d), 1, 3);
  if (k == 2) return v128.shuffle<i64>(highPairs(a, b), highPairs(c, d), 0, 2);
  return v128.shuffle<i64>(highPairs(a, b), highPairs(c, d), 1, 3);
}
