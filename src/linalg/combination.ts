import { type Matrix, matrix, product, productTransposed, rowsOf, stackedRows } from "./matrix.ts";

/**
 * A vector in the space of a module's units: half a = sum_m a[m] a_members[m], half b likewise. Units, cluster centres and
 * the rows of a merged adapter are all combinations of pool rows, so their inner products follow from the Gram matrices.
 */
export interface Combination {
  /** Positions in the pool, ascending. */
  readonly members: ArrayLike<number>;
  readonly a: ArrayLike<number>;
  readonly b: ArrayLike<number>;
}

/**
 * The pool's unit i with its halves multiplied by ga and gb.
 *
 * @example
 * ```ts
 * import { scaledUnit } from "lora-lego";
 *
 * // Unit 3 of a pool, its delta times -2.
 * const { members, a, b } = scaledUnit(3, 1, -2);
 * console.log(members[0], a[0], b[0]); // 3 1 -2
 * ```
 */
export function scaledUnit(i: number, ga: number, gb: number): Combination {
  return { members: Int32Array.of(i), a: Float64Array.of(ga), b: Float64Array.of(gb) };
}

/** The pool's unit i with its delta times a factor: the root of |factor| on both halves, the sign in b. */
export function timesUnit(i: number, factor: number): Combination {
  const half = Math.sqrt(Math.abs(factor));
  return scaledUnit(i, half, factor < 0 ? -half : half);
}

/** fa times the a-half and fb times the b-half. */
export function scaleCombination({ members, a, b }: Combination, fa: number, fb: number): Combination {
  return { members, a: Float64Array.from(a, (x) => x * fa), b: Float64Array.from(b, (x) => x * fb) };
}

/**
 * A sum of combinations with separate coefficients for each half: a = sum_x ca[x] a_x, b = sum_x cb[x] b_x.
 * A single combination with coefficients 1 is returned unchanged.
 */
export function sumCombinations(
  parts: readonly Combination[],
  ca: ArrayLike<number>,
  cb: ArrayLike<number>,
): Combination {
  if (parts.length === 1 && ca[0] === 1 && cb[0] === 1) return parts[0]!;
  return transformCombinations(parts, [ca], [cb])[0]!;
}

/** Sums of the same combinations: a of sum j = sum_x ca[j][x] a_x, b = sum_x cb[j][x] b_x. */
export function transformCombinations(
  parts: readonly Combination[],
  ca: readonly ArrayLike<number>[],
  cb: readonly ArrayLike<number>[],
): Combination[] {
  const found = new Set<number>();
  for (const { members } of parts) for (let m = 0; m < members.length; m++) found.add(members[m]!);
  const members = Int32Array.from(found).sort();
  if (parts.every((part) => part.members.length === members.length)) {
    const [a, b] = [sumsOfAll(parts, "a", ca), sumsOfAll(parts, "b", cb)];
    return a.map((own, j) => ({ members, a: own, b: b[j]! }));
  }
  const place = new Map<number, number>();
  for (let at = 0; at < members.length; at++) place.set(members[at]!, at);
  const places = parts.map((part) => Int32Array.from(part.members, (member) => place.get(member)!));
  const sum = (half: "a" | "b", coefficients: ArrayLike<number>): Float64Array => {
    const out = new Float64Array(members.length);
    for (let x = 0; x < parts.length; x++) addScaledAt(out, places[x]!, parts[x]![half], coefficients[x]!);
    return out;
  };
  return ca.map((row, j) => ({ members, a: sum("a", row), b: sum("b", cb[j]!) }));
}

/** out[places[m]] += factor * values[m]. */
function addScaledAt(out: Float64Array, places: Int32Array, values: ArrayLike<number>, factor: number): void {
  for (let m = 0; m < places.length; m++) out[places[m]!]! += factor * values[m]!;
}

/** Sums of one half of combinations that all have the same members. */
function sumsOfAll(
  parts: readonly Combination[],
  half: "a" | "b",
  coefficients: readonly ArrayLike<number>[],
): Float64Array[] {
  const own = stackedRows(
    parts.map((part) => part[half]),
    parts[0]?.members.length ?? 0,
  );
  return rowsOf(product(stackedRows(coefficients, parts.length), own));
}

/** From this share of all units on, sums over a combination's members are faster as sums over all. */
const DENSE = 0.5;

/** The coefficients (m, n) of combinations that have many members; null for others. */
function denseCoefficients(combinations: readonly Combination[], half: "a" | "b", n: number): Matrix | null {
  const m = combinations.length;
  const entries = combinations.reduce((sum, { members }) => sum + members.length, 0);
  if (entries < DENSE * m * n) return null;
  const out = matrix(m, n);
  for (const [c, { members, [half]: values }] of combinations.entries()) {
    for (let x = 0; x < members.length; x++) out.data[c * n + members[x]!] = values[x]!;
  }
  return out;
}

/**
 * Inner products of one half of m combinations with the pool's units: C G (m, n) for the pool's Gram matrix G (n, n) of that half.
 */
function productsWithPool(
  combinations: readonly Combination[],
  half: "a" | "b",
  gram: Float64Array,
  n: number,
): Float64Array {
  const dense = denseCoefficients(combinations, half, n);
  if (dense !== null) return product(dense, matrix(n, n, gram)).data;
  const out = new Float64Array(combinations.length * n);
  for (let c = 0; c < combinations.length; c++) {
    const { members, [half]: values } = combinations[c]!;
    let m = 0;
    for (; m + 4 <= members.length; m += 4) addFourRows(out, c * n, gram, members, values, m, n);
    for (; m < members.length; m++) addScaledRow(out, c * n, gram, members[m]! * n, n, values[m]!);
  }
  return out;
}

/** out[to + j] += factor * from[at + j], j < n. */
function addScaledRow(out: Float64Array, to: number, from: Float64Array, at: number, n: number, factor: number): void {
  for (let j = 0; j < n; j++) out[to + j]! += factor * from[at + j]!;
}

/** `addScaledRow` for the members m to m + 3, in order, loading and storing each sum once. */
function addFourRows(
  out: Float64Array,
  to: number,
  gram: Float64Array,
  members: ArrayLike<number>,
  values: ArrayLike<number>,
  m: number,
  n: number,
): void {
  const [f0, f1, f2, f3] = [values[m]!, values[m + 1]!, values[m + 2]!, values[m + 3]!];
  const [r0, r1, r2, r3] = [members[m]! * n, members[m + 1]! * n, members[m + 2]! * n, members[m + 3]! * n];
  for (let j = 0; j < n; j++) {
    out[to + j] = out[to + j]! + f0 * gram[r0 + j]! + f1 * gram[r1 + j]! + f2 * gram[r2 + j]! + f3 * gram[r3 + j]!;
  }
}

/**
 * Inner products (m, m) of one half of m combinations, C G C^T, from their products with the pool, C G.
 */
function productsAmong(
  combinations: readonly Combination[],
  half: "a" | "b",
  withPool: Float64Array,
  n: number,
): Float64Array {
  const m = combinations.length;
  const dense = denseCoefficients(combinations, half, n);
  if (dense !== null) return productTransposed(matrix(m, n, withPool), dense).data;
  const whole = m - (m % 4);
  const out = new Float64Array(m * m);
  for (let d = 0; d < m; d++) {
    const { members, [half]: values } = combinations[d]!;
    for (let c = 0; c < whole; c += 4) sumFour(out, c * m + d, m, withPool, c * n, n, members, values);
    for (let c = whole; c < m; c++) {
      let sum = 0;
      for (let x = 0; x < members.length; x++) sum += values[x]! * withPool[c * n + members[x]!]!;
      out[c * m + d] = sum;
    }
  }
  return out;
}

/** The products of one combination with four rows of n entries, written at a distance of `apart`. */
function sumFour(
  out: Float64Array,
  to: number,
  apart: number,
  rows: Float64Array,
  at: number,
  n: number,
  members: ArrayLike<number>,
  values: ArrayLike<number>,
): void {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let x = 0; x < members.length; x++) {
    const value = values[x]!;
    const cell = at + members[x]!;
    s0 += value * rows[cell]!;
    s1 += value * rows[cell + n]!;
    s2 += value * rows[cell + 2 * n]!;
    s3 += value * rows[cell + 3 * n]!;
  }
  out[to] = s0;
  out[to + apart] = s1;
  out[to + 2 * apart] = s2;
  out[to + 3 * apart] = s3;
}

/** Gram matrix (m, m) of one half of m combinations: C G C^T. */
export function gramOf(
  combinations: readonly Combination[],
  half: "a" | "b",
  gram: Float64Array,
  n: number,
): Float64Array {
  return productsAmong(combinations, half, productsWithPool(combinations, half, gram, n), n);
}

/** Inner products of a merged module's units with the pool's and among themselves; its figures and SVD need nothing else. */
export interface UnitProducts {
  /** Number of merged units m. */
  readonly count: number;
  /** (m, n) with the pool's units, of the a-halves and of the b-halves. */
  readonly withPoolA: Float64Array;
  readonly withPoolB: Float64Array;
  /** (m, m) among the merged units. */
  readonly amongA: Float64Array;
  readonly amongB: Float64Array;
}

/** The products of combinations, from the pool's Gram matrices. */
export function combinationProducts(
  combinations: readonly Combination[],
  { gramA, gramB, count }: { readonly gramA: Float64Array; readonly gramB: Float64Array; readonly count: number },
): UnitProducts {
  const withPoolA = productsWithPool(combinations, "a", gramA, count);
  const withPoolB = productsWithPool(combinations, "b", gramB, count);
  return {
    count: combinations.length,
    withPoolA,
    withPoolB,
    amongA: productsAmong(combinations, "a", withPoolA, count),
    amongB: productsAmong(combinations, "b", withPoolB, count),
  };
}
