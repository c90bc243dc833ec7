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

/** The pool's unit i itself, its halves times ga and gb. */
export function scaledUnit(i: number, ga: number, gb: number): Combination {
  return { members: Int32Array.of(i), a: Float64Array.of(ga), b: Float64Array.of(gb) };
}

/** fa times the a-half and fb times the b-half. */
export function scaleCombination({ members, a, b }: Combination, fa: number, fb: number): Combination {
  return { members, a: Float64Array.from(a, (x) => x * fa), b: Float64Array.from(b, (x) => x * fb) };
}

/**
 * A sum of combinations with coefficients of their own for each half: a = sum_x ca[x] a_x, b = sum_x cb[x] b_x.
 * One combination with coefficients 1 comes back as it is.
 */
export function sumCombinations(
  parts: readonly Combination[],
  ca: ArrayLike<number>,
  cb: ArrayLike<number>,
): Combination {
  if (parts.length === 1 && ca[0] === 1 && cb[0] === 1) return parts[0]!;
  const found = new Set<number>();
  for (const { members } of parts) for (let m = 0; m < members.length; m++) found.add(members[m]!);
  const members = Int32Array.from(found).sort();
  const place = new Map<number, number>();
  for (let at = 0; at < members.length; at++) place.set(members[at]!, at);
  const a = new Float64Array(members.length);
  const b = new Float64Array(members.length);
  for (let x = 0; x < parts.length; x++) {
    const part = parts[x]!;
    for (let m = 0; m < part.members.length; m++) {
      const at = place.get(part.members[m]!)!;
      a[at]! += ca[x]! * part.a[m]!;
      b[at]! += cb[x]! * part.b[m]!;
    }
  }
  return { members, a, b };
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
  const out = new Float64Array(combinations.length * n);
  for (let c = 0; c < combinations.length; c++) {
    const { members, [half]: coefficients } = combinations[c]!;
    for (let m = 0; m < members.length; m++) addScaledRow(out, c * n, gram, members[m]! * n, n, coefficients[m]!);
  }
  return out;
}

/** out[to + j] += factor * from[at + j], j < n. */
function addScaledRow(out: Float64Array, to: number, from: Float64Array, at: number, n: number, factor: number): void {
  for (let j = 0; j < n; j++) out[to + j]! += factor * from[at + j]!;
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
  const out = new Float64Array(m * m);
  for (let d = 0; d < m; d++) {
    const { members, [half]: coefficients } = combinations[d]!;
    for (let c = 0; c < m; c++) {
      let sum = 0;
      for (let x = 0; x < members.length; x++) sum += coefficients[x]! * withPool[c * n + members[x]!]!;
      out[c * m + d] = sum;
    }
  }
  return out;
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

/** Inner products of a merged module's units with the pool's and among themselves: all that its figures and its SVD are made of. */
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
