// Ranks of magnitudes in a row, and DELLA's dropping by them.

/** Digits of the radix sort: three of 11 bits hold the 31 bits of a magnitude. */
// @ts-ignore: decorator
@inline const DIGITS: usize = 2048;

/** The address of the count of a digit. */
// @ts-ignore: decorator
@inline
function digitAt(counts: usize, bits: u32, digit: usize): usize {
  return counts + ((digit * DIGITS + ((usize(bits & 0x7fffffff) >> (11 * digit)) & (DIGITS - 1))) << 2);
}

/** Add one to a count. @returns what it was */
// @ts-ignore: decorator
@inline
function next(count: usize): usize {
  const was = load<u32>(count);
  store<u32>(count, was + 1);
  return usize(was);
}

/** Put positions in the order of one digit; `from` 0 for positions 0, 1, 2 and so on. */
// @ts-ignore: decorator
@inline
function byDigit(row: usize, length: usize, from: usize, to: usize, counts: usize, digit: usize): void {
  for (let i: usize = 0; i < length; i++) {
    const place = from ? load<u32>(from + (i << 2)) : u32(i);
    const at = next(digitAt(counts, load<u32>(row + (usize(place) << 2)), digit));
    store<u32>(to + (at << 2), place);
  }
}

/** order[i] = the position of the i-th smallest |row[x]|, the first of equals first; `room` holds 3 * 2048 + length words. */
export function ascending(row: usize, length: usize, order: usize, room: usize): void {
  const counts = room, other = room + ((3 * DIGITS) << 2);
  memory.fill(counts, 0, (3 * DIGITS) << 2);
  for (let i: usize = 0; i < length; i++) {
    const bits = load<u32>(row + (i << 2));
    next(digitAt(counts, bits, 0));
    next(digitAt(counts, bits, 1));
    next(digitAt(counts, bits, 2));
  }
  for (let digit: usize = 0; digit < 3; digit++) {
    let before: u32 = 0;
    for (let count = counts + ((digit * DIGITS) << 2), end = count + (DIGITS << 2); count < end; count += 4) {
      const own = load<u32>(count);
      store<u32>(count, before);
      before += own;
    }
  }
  byDigit(row, length, 0, order, counts, 0);
  byDigit(row, length, order, other, counts, 1);
  byDigit(row, length, other, order, counts, 2);
}

/** The entry of rank i becomes itself times factors[i] where its draw is below limits[i], and 0 elsewhere. */
export function dropRanked(row: usize, length: usize, order: usize, draws: usize, limits: usize, factors: usize): void {
  for (let i: usize = 0; i < length; i++) {
    const place = usize(load<u32>(order + (i << 2))) << 2;
    const kept = load<u32>(draws + place) < load<u32>(limits + (i << 2));
    const value = f32(f64(load<f32>(row + place)) * load<f64>(factors + (i << 3)));
    store<f32>(row + place, kept ? value : 0);
  }
}
