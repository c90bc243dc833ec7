/**
 * A vector in the space of a module's units: half a = sum_m a[m] a_members[m], half b likewise. Units, cluster centres and
 * the rows of a merged adapter are all combinations of pool rows, so their inner products follow from the Gram matrices.
 */
export interface Combination {
  /** Positions in the pool, ascending. */
  readonly members: readonly number[];
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/** The pool's unit i itself, its halves times ga and gb. */
export function scaledUnit(i: number, ga: number, gb: number): Combination {
  return { members: [i], a: [ga], b: [gb] };
}

/** fa times the a-half and fb times the b-half. */
export function scaleCombination({ members, a, b }: Combination, fa: number, fb: number): Combination {
  return { members, a: a.map((x) => x * fa), b: b.map((x) => x * fb) };
}

/**
 * A sum of combinations with coefficients of their own for each half: a = sum_x ca[x] a_x, b = sum_x cb[x] b_x.
 * One combination with coefficients 1 comes back as it is.
 */
export function sumCombinations(
  parts: readonly Combination[],
  ca: readonly number[],
  cb: readonly number[],
): Combination {
  if (parts.length === 1 && ca[0] === 1 && cb[0] === 1) return parts[0]!;
  const sums = new Map<number, [number, number]>();
  for (const [x, { members, a, b }] of parts.entries()) {
    for (const [m, member] of members.entries()) {
      const sum = sums.get(member) ?? [0, 0];
      sums.set(member, [sum[0] + ca[x]! * a[m]!, sum[1] + cb[x]! * b[m]!]);
    }
  }
  const members = [...sums.keys()].sort((p, q) => p - q);
  return { members, a: members.map((m) => sums.get(m)![0]), b: members.map((m) => sums.get(m)![1]) };
}

/**
 * Inner products of one half of combinations: out (left.length, n) = C G for the pool's Gram matrix G (n, n) of that half.
 */
export function productsWithPool(
  left: readonly Combination[],
  half: "a" | "b",
  gram: Float64Array,
  n: number,
): Float64Array {
  const out = new Float64Array(left.length * n);
  for (const [c, combination] of left.entries()) {
    const coefficients = combination[half];
    for (const [m, member] of combination.members.entries()) {
      const factor = coefficients[m]!;
      for (let j = 0, cell = c * n, from = member * n; j < n; j++, cell++, from++) out[cell]! += factor * gram[from]!;
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
  const m = combinations.length;
  const products = productsWithPool(combinations, half, gram, n);
  const out = new Float64Array(m * m);
  for (let c = 0; c < m; c++) {
    for (const [d, { members, [half]: coefficients }] of combinations.entries()) {
      let sum = 0;
      for (let x = 0; x < members.length; x++) sum += coefficients[x]! * products[c * n + members[x]!]!;
      out[c * m + d] = sum;
    }
  }
  return out;
}
