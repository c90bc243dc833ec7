// Histograms of magnitudes by the bits of an f32 without its sign, which sort like the magnitudes.

/** counts[m]++ for every |row[x]| whose upper 15 bits are m. */
export function countUpper(row: usize, length: usize, counts: usize): void {
  const end = row + (length << 2);
  for (; row < end; row += 4) countAt(counts + usize(((load<u32>(row) & 0x7fffffff) >>> 16) << 2));
}

/** counts[m]++ for every |row[x]| whose upper 15 bits are `upper`, and whose lower 16 are m. */
export function countLower(row: usize, length: usize, upper: u32, counts: usize): void {
  const wanted = i32x4.splat(i32(upper)), sign = i32x4.splat(0x7fffffff);
  const end = row + (length << 2);
  for (; row + 16 <= end; row += 16) {
    // Few entries are in one bucket.
    const found = i32x4.eq(i32x4.shr_u(v128.and(v128.load(row), sign), 16), wanted);
    if (!v128.any_true(found)) continue;
    for (let x: usize = 0; x < 16; x += 4) countIfIn(row + x, upper, counts);
  }
  for (; row < end; row += 4) countIfIn(row, upper, counts);
}

// @ts-ignore: decorator
@inline
function countIfIn(entry: usize, upper: u32, counts: usize): void {
  const bits = load<u32>(entry);
  if ((bits & 0x7fffffff) >>> 16 == upper) countAt(counts + usize((bits & 0xffff) << 2));
}

// @ts-ignore: decorator
@inline
function countAt(count: usize): void {
  store<u32>(count, load<u32>(count) + 1);
}
