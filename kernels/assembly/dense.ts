// Dense f64 algebra of small matrices (src/kernels/dense.ts says what each function means). Two columns share a vector, and every sum
// runs in the order of its terms, so that an element's result does not depend on its place.

// @ts-ignore: decorator
@inline
function addProduct(sum: v128, factor: v128, value: v128): v128 {
  return f64x2.add(sum, f64x2.mul(factor, value));
}

/** Four columns of four sums: each adds `terms` rows at `base` times its factors. `step` and `row` are bytes between terms. */
function fourByFour(
  f0: usize, f1: usize, f2: usize, f3: usize, step: usize, base: usize, row: usize, terms: usize,
  t0: usize, t1: usize, t2: usize, t3: usize,
): void {
  let a0 = f64x2.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (let k: usize = 0; k < terms; k++) {
    const x = v128.load(base), y = v128.load(base, 16);
    let f = v128.load64_splat(f0);
    a0 = addProduct(a0, f, x);
    b0 = addProduct(b0, f, y);
    f = v128.load64_splat(f1);
    a1 = addProduct(a1, f, x);
    b1 = addProduct(b1, f, y);
    f = v128.load64_splat(f2);
    a2 = addProduct(a2, f, x);
    b2 = addProduct(b2, f, y);
    f = v128.load64_splat(f3);
    a3 = addProduct(a3, f, x);
    b3 = addProduct(b3, f, y);
    base += row;
    f0 += step;
    f1 += step;
    f2 += step;
    f3 += step;
  }
  v128.store(t0, a0);
  v128.store(t0, b0, 16);
  v128.store(t1, a1);
  v128.store(t1, b1, 16);
  v128.store(t2, a2);
  v128.store(t2, b2, 16);
  v128.store(t3, a3);
  v128.store(t3, b3, 16);
}

/** out[i, j] = sum_k factors[i * apart + k * stride] base[k, j], k in order; all strides in bytes. */
export function denseProduct(
  factors: usize, count: usize, apart: usize, stride: usize, base: usize, terms: usize, columns: usize, out: usize,
): void {
  const row = columns << 3;
  const last = count - 1;
  let j: usize = 0;
  for (; j + 4 <= columns; j += 4) {
    const at = j << 3;
    for (let i: usize = 0; i < count; i += 4) {
      // Rows that are missing in the last four are the last row once more.
      const i1 = min(i + 1, last), i2 = min(i + 2, last), i3 = min(i + 3, last);
      fourByFour(
        factors + i * apart, factors + i1 * apart, factors + i2 * apart, factors + i3 * apart, stride, base + at, row, terms,
        out + i * row + at, out + i1 * row + at, out + i2 * row + at, out + i3 * row + at,
      );
    }
  }
  for (; j < columns; j++) {
    for (let i: usize = 0; i < count; i++) {
      let sum: f64 = 0;
      let f = factors + i * apart, x = base + (j << 3);
      for (let k: usize = 0; k < terms; k++, f += stride, x += row) sum += load<f64>(f) * load<f64>(x);
      store<f64>(out + i * row + (j << 3), sum);
    }
  }
}

/** image[i] = sum_j v[j] M[j, i] over from..n, j in order; `row` is the bytes from a row of M to the next. */
function rowTimes(v: usize, m: usize, row: usize, image: usize, from: usize, n: usize): void {
  let i = from;
  for (; i + 8 <= n; i += 8) {
    let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0;
    let at = m + from * row + (i << 3);
    for (let j = from; j < n; j++, at += row) {
      const f = v128.load64_splat(v + (j << 3));
      s0 = addProduct(s0, f, v128.load(at));
      s1 = addProduct(s1, f, v128.load(at, 16));
      s2 = addProduct(s2, f, v128.load(at, 32));
      s3 = addProduct(s3, f, v128.load(at, 48));
    }
    const to = image + (i << 3);
    v128.store(to, s0);
    v128.store(to, s1, 16);
    v128.store(to, s2, 32);
    v128.store(to, s3, 48);
  }
  for (; i < n; i++) {
    let sum: f64 = 0;
    let at = m + from * row + (i << 3);
    for (let j = from; j < n; j++, at += row) sum += load<f64>(v + (j << 3)) * load<f64>(at);
    store<f64>(image + (i << 3), sum);
  }
}

/** M[i, j] -= v[i] w[j] + w[i] v[j] over from..n. */
function subtractPair(m: usize, v: usize, w: usize, from: usize, n: usize): void {
  for (let i = from; i < n; i++) {
    const vi = load<f64>(v + (i << 3)), wi = load<f64>(w + (i << 3));
    const vs = f64x2.splat(vi), ws = f64x2.splat(wi);
    const row = m + i * (n << 3);
    let j = from;
    for (; j + 2 <= n; j += 2) {
      const at = j << 3;
      const both = addProduct(f64x2.mul(vs, v128.load(w + at)), ws, v128.load(v + at));
      v128.store(row + at, f64x2.sub(v128.load(row + at), both));
    }
    if (j < n) {
      const at = j << 3;
      store<f64>(row + at, load<f64>(row + at) - (vi * load<f64>(w + at) + wi * load<f64>(v + at)));
    }
  }
}

/** Turn x (the entries from..n) into v of the reflection that sends x to (along, 0, ...); stores along and returns beta. */
function reflection(x: usize, from: usize, n: usize, along: usize): f64 {
  const first = load<f64>(x + (from << 3));
  let largest: f64 = 0;
  for (let i = from + 1; i < n; i++) largest = max(largest, abs(load<f64>(x + (i << 3))));
  store<f64>(along, first);
  if (largest == 0) return 0;
  const scale = max(largest, abs(first));
  let square: f64 = 0;
  for (let i = from; i < n; i++) {
    const value = load<f64>(x + (i << 3)) / scale;
    store<f64>(x + (i << 3), value);
    square += value * value;
  }
  const norm = sqrt(square);
  const lead = first / scale;
  const end = lead > 0 ? -norm : norm;
  store<f64>(x + (from << 3), lead - end);
  store<f64>(along, end * scale);
  return 1 / (norm * (norm + abs(lead)));
}

/** Householder's reduction of a symmetric matrix, in place; `image` is room for n entries. */
export function tridiagonalize(m: usize, n: usize, diagonal: usize, beside: usize, betas: usize, image: usize): void {
  const row = n << 3;
  for (let k: usize = 0; k < n; k++) {
    const v = m + k * row, at = k << 3;
    store<f64>(diagonal + at, load<f64>(v + at));
    store<f64>(beside + at, 0);
    store<f64>(betas + at, 0);
    if (k + 1 == n) return;
    const from = k + 1;
    const beta = reflection(v, from, n, beside + at);
    store<f64>(betas + at, beta);
    if (beta == 0) continue;
    // M v, as M is symmetric.
    rowTimes(v, m, row, image, from, n);
    let product: f64 = 0;
    for (let i = from; i < n; i++) {
      const value = load<f64>(image + (i << 3)) * beta;
      store<f64>(image + (i << 3), value);
      product += value * load<f64>(v + (i << 3));
    }
    const half = (beta / 2) * product;
    for (let i = from; i < n; i++) {
      const cell = image + (i << 3);
      store<f64>(cell, load<f64>(cell) - half * load<f64>(v + (i << 3)));
    }
    subtractPair(m, v, image, from, n);
  }
}

/** Rows p and p + row become c p + s q and c q - s p, over the bytes of `width` pairs of columns. */
function turnRows(p: usize, row: usize, width: usize, c: f64, s: f64): void {
  const cs = f64x2.splat(c), ss = f64x2.splat(s);
  for (const end = p + width; p < end; p += 16) {
    const one = v128.load(p), other = v128.load(p + row);
    v128.store(p, addProduct(f64x2.mul(cs, one), ss, other));
    v128.store(p + row, f64x2.sub(f64x2.mul(cs, other), f64x2.mul(ss, one)));
  }
}

/** Two rotations after each other: rows p and p + row by (c, s), then rows p + row and p + 2 row by (d, t). */
function turnThree(p: usize, row: usize, width: usize, c: f64, s: f64, d: f64, t: f64): void {
  const cs = f64x2.splat(c), ss = f64x2.splat(s), ds = f64x2.splat(d), ts = f64x2.splat(t);
  for (const end = p + width; p < end; p += 16) {
    const first = v128.load(p), second = v128.load(p + row), third = v128.load(p + 2 * row);
    v128.store(p, addProduct(f64x2.mul(cs, first), ss, second));
    const between = f64x2.sub(f64x2.mul(cs, second), f64x2.mul(ss, first));
    v128.store(p + row, addProduct(f64x2.mul(ds, between), ts, third));
    v128.store(p + 2 * row, f64x2.sub(f64x2.mul(ds, third), f64x2.mul(ts, between)));
  }
}

/** Columns that are turned at a time: with n of some hundreds they stay in the first cache. */
const STRIP_BYTES: usize = 128;

/**
 * Undo chains of rotations, the last one first, on rows of `width` bytes (whole vectors). chains: pairs of u32, the first row of a
 * chain and its length; turns: cosine and sine of each rotation, chain after chain.
 */
export function turnBack(rows: usize, width: usize, chains: usize, count: usize, turns: usize, total: usize): void {
  for (let x: usize = 0; x < width; x += STRIP_BYTES) {
    const strip = rows + x;
    const bytes = min(STRIP_BYTES, width - x);
    let at = turns + (total << 4);
    for (let c = count; c > 0; c--) {
      const chain = chains + ((c - 1) << 3);
      const top = <usize>load<u32>(chain), length = <usize>load<u32>(chain, 4);
      let left = length;
      let row = strip + (top + 1 - length) * width;
      for (; left >= 2; left -= 2, row += 2 * width) {
        at -= 32;
        turnThree(row, width, bytes, load<f64>(at, 16), load<f64>(at, 24), load<f64>(at), load<f64>(at, 8));
      }
      if (left == 1) {
        at -= 16;
        turnRows(row, width, bytes, load<f64>(at), load<f64>(at, 8));
      }
    }
  }
}

/** Columns x of (n, count) become H_0 H_1 ... x; rows of `width` bytes (whole vectors); `sums` is room for one row. */
export function reflectBack(
  columns: usize, width: usize, vectors: usize, betas: usize, n: usize, sums: usize,
): void {
  if (n < 2) return;
  for (let k = <isize>n - 2; k >= 0; k--) {
    const beta = load<f64>(betas + (<usize>k << 3));
    if (beta == 0) continue;
    const v = vectors + <usize>k * (n << 3);
    memory.fill(sums, 0, width);
    for (let i = <usize>k + 1; i < n; i++) {
      const f = v128.load64_splat(v + (i << 3));
      const row = columns + i * width;
      for (let x: usize = 0; x < width; x += 16) v128.store(sums + x, addProduct(v128.load(sums + x), f, v128.load(row + x)));
    }
    const bs = f64x2.splat(beta);
    for (let x: usize = 0; x < width; x += 16) v128.store(sums + x, f64x2.mul(bs, v128.load(sums + x)));
    for (let i = <usize>k + 1; i < n; i++) {
      const f = v128.load64_splat(v + (i << 3));
      const row = columns + i * width;
      for (let x: usize = 0; x < width; x += 16) {
        v128.store(row + x, f64x2.sub(v128.load(row + x), f64x2.mul(v128.load(sums + x), f)));
      }
    }
  }
}

/**
 * C of the Cholesky decomposition G = C^T C with the largest remainder as the pivot, until none is above `least`: row j of C (any, n)
 * holds the j-th coordinate of every row, 0 for earlier pivots. `left` (n) holds G's diagonal and is used up; pivots (n) are u32.
 * Returns the number of pivots.
 */
export function pivotedRoot(gram: usize, n: usize, left: usize, least: f64, columns: usize, pivots: usize): usize {
  const row = n << 3;
  let size: usize = 0;
  for (; size < n; size++) {
    let pivot: usize = 0;
    for (let i: usize = 1; i < n; i++) if (load<f64>(left + (i << 3)) > load<f64>(left + (pivot << 3))) pivot = i;
    if (!(load<f64>(left + (pivot << 3)) > least)) break;
    const to = columns + size * row;
    memory.copy(to, gram + pivot * row, row);
    for (let j: usize = 0; j < size; j++) {
      const earlier = columns + j * row;
      const factor = load<f64>(earlier + (pivot << 3));
      const f = f64x2.splat(factor);
      let x: usize = 0;
      for (; x + 16 <= row; x += 16) {
        v128.store(to + x, f64x2.sub(v128.load(to + x), f64x2.mul(f, v128.load(earlier + x))));
      }
      if (x < row) store<f64>(to + x, load<f64>(to + x) - factor * load<f64>(earlier + x));
    }
    const root = sqrt(load<f64>(left + (pivot << 3)));
    for (let j: usize = 0; j < size; j++) store<f64>(to + (<usize>load<u32>(pivots + (j << 2)) << 3), 0);
    for (let i: usize = 0; i < n; i++) {
      const at = i << 3;
      const coordinate = load<f64>(to + at) / root;
      store<f64>(to + at, coordinate);
      store<f64>(left + at, load<f64>(left + at) - coordinate * coordinate);
    }
    store<f64>(to + (pivot << 3), root);
    store<f64>(left + (pivot << 3), 0);
    store<u32>(pivots + (size << 2), <u32>pivot);
  }
  return size;
}

/**
 * The inverse of the triangle U[m, j] = C[m, pivots[j]], m <= j, transposed: V (size, size), row j holds the coefficients of basis
 * vector j over the pivots' rows, 0 after index j. `column` is room for `size` entries.
 */
export function invertedPivots(columns: usize, n: usize, pivots: usize, size: usize, column: usize, v: usize): void {
  const row = size << 3;
  memory.fill(v, 0, size * row);
  for (let j: usize = 0; j < size; j++) {
    let u = columns + (<usize>load<u32>(pivots + (j << 2)) << 3);
    for (let m: usize = 0; m < j; m++, u += n << 3) store<f64>(column + (m << 3), load<f64>(u));
    const unit = load<f64>(u);
    const to = v + j * row;
    rowTimes(column, v, row, to, 0, j);
    for (let i: usize = 0; i < j; i++) store<f64>(to + (i << 3), -load<f64>(to + (i << 3)) / unit);
    store<f64>(to + (j << 3), 1 / unit);
  }
}
