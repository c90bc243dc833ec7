import type { UnitProducts } from "../linalg/combination.ts";

/** The data about one module's units that figures need: their owners and inner products. A pool is one. */
export interface UnitGrams {
  /** Number of units N. */
  readonly count: number;
  /** The input of each unit, and its index there. */
  readonly ids: readonly (readonly [input: number, unit: number])[];
  /** Inner products (N, N) of the a-halves, and of the b-halves. */
  readonly gramA: Float64Array;
  readonly gramB: Float64Array;
}

/**
 * Frobenius inner products of the deltas of one module, or of several (they add up). Norms, cosines and energy are computed
 * from them alone. Plain data.
 */
export interface DeltaProducts {
  /**
   * <D_t, D_u>, (T, T) row-major over all inputs; 0 if an input lacks the module, NaN for two that were not compared. Where no two were,
   * |D_t|^2 alone, (T).
   */
  readonly inputs: number[];
  /** <delta', D_t> of the merged delta. */
  readonly cross: number[];
  /** |delta'|^2. */
  readonly merged: number;
}

/** How a merged delta relates to its inputs. */
export interface DeltaFigures {
  /** |delta'| divided by the mean |D_t| of the inputs that are not zero here; null if all are. */
  readonly normRatio: number | null;
  /** Cosine of delta' with each D_t; null if the input lacks the module or a norm is 0. */
  readonly cosines: (number | null)[];
  /** Squared cosine of delta' with sum w_t D_t; null if a norm is 0, or adapters were not compared. */
  readonly energy: number | null;
}

/**
 * Products of a module's deltas from its Gram matrices: <D_t, D_u> = sum over units i of t and j of u of G_A,ij G_B,ij.
 *
 * @param inputs number of inputs T
 * @param square factor from the pool's products to the deltas': s^2 if the pool leaves out a shared scale s
 */
export function deltaProducts(pool: UnitGrams, merged: UnitProducts, inputs: number, square: number): DeltaProducts {
  const owner = ownersOf(pool);
  const among = new Float64Array(inputs * inputs);
  for (let i = 0; i < pool.count; i++) {
    addByOwner(among, owner[i]! * inputs, owner, pool.gramA, pool.gramB, i * pool.count, square);
  }
  return { inputs: [...among], ...mergedProducts(owner, merged, inputs, square) };
}

/**
 * As `deltaProducts` for units whose inner products are known within each adapter only.
 *
 * @param own the inner products of each adapter's units
 */
export function ownDeltaProducts(
  units: Pick<UnitGrams, "count" | "ids">,
  own: ReadonlyMap<number, Pick<UnitGrams, "gramA" | "gramB">>,
  merged: UnitProducts,
  inputs: number,
  square: number,
): DeltaProducts {
  const squares = new Array<number>(inputs).fill(0);
  for (const [t, { gramA, gramB }] of own) {
    squares[t] = gramA.reduce((sum, value, cell) => sum + value * gramB[cell]!, 0) * square;
  }
  return { inputs: squares, ...mergedProducts(ownersOf(units), merged, inputs, square) };
}

/** The products of a merged delta. @param owner the input of each unit */
function mergedProducts(
  owner: Int32Array,
  merged: UnitProducts,
  inputs: number,
  square: number,
): Omit<DeltaProducts, "inputs"> {
  const n = owner.length;
  const { count, withPoolA, withPoolB, amongA, amongB } = merged;
  const cross = new Float64Array(inputs);
  for (let c = 0; c < count; c++) addByOwner(cross, 0, owner, withPoolA, withPoolB, c * n, square);
  let total = 0;
  for (let cell = 0; cell < amongA.length; cell++) total += amongA[cell]! * amongB[cell]!;
  return { cross: [...cross], merged: Math.max(0, total * square) };
}

const EMPTY = new Float64Array(0);
const NO_UNITS: UnitProducts = { count: 0, withPoolA: EMPTY, withPoolB: EMPTY, amongA: EMPTY, amongB: EMPTY };

/** Products of a module's deltas with each other, without a merged one. */
export function inputProducts(pool: UnitGrams, inputs: number): DeltaProducts {
  return deltaProducts(pool, NO_UNITS, inputs, 1);
}

function ownersOf({ count, ids }: Pick<UnitGrams, "count" | "ids">): Int32Array {
  const owner = new Int32Array(count);
  for (let i = 0; i < count; i++) owner[i] = ids[i]![0];
  return owner;
}

/** out[to + owner of j] += a[at + j] b[at + j] square, over all units j. */
function addByOwner(
  out: Float64Array,
  to: number,
  owner: Int32Array,
  a: Float64Array,
  b: Float64Array,
  at: number,
  square: number,
): void {
  for (let j = 0; j < owner.length; j++) out[to + owner[j]!]! += a[at + j]! * b[at + j]! * square;
}

/** The products of a merged delta multiplied by lambda. */
export function scaleMerged(products: DeltaProducts, lambda: number): DeltaProducts {
  return { ...products, cross: products.cross.map((x) => x * lambda), merged: products.merged * lambda * lambda };
}

/** Add products of modules; the figures of the sums are those of whole adapters. */
export function addProducts(one: DeltaProducts, other: DeltaProducts): DeltaProducts {
  const count = one.cross.length;
  return {
    inputs: Array.from({ length: count * count }, (_, i) => {
      const [t, u] = [Math.floor(i / count), i % count];
      return productOf(one, t, u) + productOf(other, t, u);
    }),
    cross: one.cross.map((x, i) => x + other.cross[i]!),
    merged: one.merged + other.merged,
  };
}

/** Products of zero, to add to. */
export function noProducts(inputs: number): DeltaProducts {
  return { inputs: new Array<number>(inputs * inputs).fill(0), cross: new Array<number>(inputs).fill(0), merged: 0 };
}

/** <D_t, D_u>; NaN if they were not compared. */
export function productOf({ inputs, cross }: DeltaProducts, t: number, u: number): number {
  const count = cross.length;
  if (inputs.length === count * count) return inputs[t * count + u]!;
  if (t === u) return inputs[t]!;
  return inputs[t] === 0 || inputs[u] === 0 ? 0 : Number.NaN;
}

/** Put |D_t|^2 in place of what was known of it. */
export function setSquare({ inputs, cross }: DeltaProducts, t: number, square: number): void {
  inputs[inputs.length === cross.length ? t : t * (cross.length + 1)] = square;
}

/** Norm of D_t. */
export function normOf(products: DeltaProducts, t: number): number {
  return Math.sqrt(Math.max(0, productOf(products, t, t)));
}

/** Cosine of D_t and D_u; null if a norm is 0. */
export function cosineBetween(products: DeltaProducts, t: number, u: number): number | null {
  return cosine(productOf(products, t, u), normOf(products, t), normOf(products, u));
}

/** <delta', S> and |S|^2 of the weighted sum S = sum w_t D_t. They add up over modules, whose weights may differ. */
export interface SumProducts {
  readonly cross: number;
  readonly square: number;
}

/** The products of S with these weights. */
export function sumProducts(products: DeltaProducts, weights: readonly number[]): SumProducts {
  let cross = 0;
  let square = 0;
  for (const [t, weight] of weights.entries()) {
    cross += weight * products.cross[t]!;
    for (const [u, other] of weights.entries()) square += weight * other * productOf(products, t, u);
  }
  return { cross, square };
}

/** The products of the deltas w_t D_t with each other and with delta'. They add up over modules, whose weights may differ. */
export function weightProducts({ inputs, cross, merged }: DeltaProducts, weights: readonly number[]): DeltaProducts {
  const count = weights.length;
  const apart = inputs.length === count;
  return {
    inputs: inputs.map((product, i) => product * weights[apart ? i : Math.floor(i / count)]! * weights[i % count]!),
    cross: cross.map((product, t) => product * weights[t]!),
    merged,
  };
}

/** Norm ratio, cosines and energy of a merged delta. */
export function deltaFigures(products: DeltaProducts, sum: SumProducts): DeltaFigures {
  const { cross, merged } = products;
  const norms = cross.map((_, t) => normOf(products, t));
  const alive = norms.filter((norm) => norm > 0);
  const norm = Math.sqrt(merged);
  const withSum = cosine(sum.cross, norm, Math.sqrt(Math.max(0, sum.square)));
  return {
    normRatio: alive.length === 0 ? null : norm / (alive.reduce((sum, value) => sum + value, 0) / alive.length),
    cosines: cross.map((product, t) => cosine(product, norm, norms[t]!)),
    energy: withSum === null ? null : withSum * withSum,
  };
}

/** <delta', D_t> / |D_t|^2: how much of each D_t is in delta', 1 for all of it; null if D_t is zero. */
export function sharesOf(products: DeltaProducts): (number | null)[] {
  return products.cross.map((product, t) => {
    const norm = normOf(products, t);
    return norm === 0 ? null : product / norm ** 2;
  });
}

/** Clamped, because rounding must not push a cosine beyond 1; null also where products were not computed. */
function cosine(product: number, one: number, other: number): number | null {
  return one === 0 || other === 0 || Number.isNaN(product * other)
    ? null
    : Math.max(-1, Math.min(1, product / (one * other)));
}
