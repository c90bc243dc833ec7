import { timesUnit } from "../linalg/combination.ts";
import { isRounding } from "../linalg/core.ts";
import type { Pool } from "../units/pool.ts";
import type { MergedModule } from "./method.ts";
import { type AdapterUnits, adaptersInOrder } from "./unit-order.ts";

/** Weighted means of unit deltas shorter than this have no direction. */
const LEAST_LENGTH = 1e-6;

/**
 * The deltas of a module as points on a sphere, from its Gram matrices in f64. Adapters come in canonical order; those whose delta is
 * zero up to rounding have no direction and are left out.
 */
export interface DeltaDirections {
  readonly adapters: readonly AdapterUnits[];
  /** Their weights, divided by the sum. */
  readonly shares: readonly number[];
  /** |D_t|_F, without the weight. */
  readonly norms: readonly number[];
  /** Cosines between the deltas, (T, T). */
  readonly cosines: readonly (readonly number[])[];
}

/** The directions of a pool's deltas; weights must not be negative. */
export function deltaDirections(pool: Pool): DeltaDirections {
  const all = adaptersInOrder(pool).map((adapter) => ({
    adapter,
    norm: Math.sqrt(deltaProduct(pool, adapter, adapter)),
  }));
  const moving = all.filter(({ adapter, norm }) => !isRounding(norm, unitNorms(pool, adapter)));
  const adapters = moving.map(({ adapter }) => adapter);
  const norms = moving.map(({ norm }) => norm);
  const total = adapters.reduce((sum, { weight }) => sum + weight, 0);
  const cosines = adapters.map((one, t) =>
    adapters.map((other, u) =>
      t === u ? 1 : Math.max(-1, Math.min(1, deltaProduct(pool, one, other) / (norms[t]! * norms[u]!))),
    ),
  );
  return { adapters, shares: adapters.map(({ weight }) => weight / total), norms, cosines };
}

/** <D_t, D_u>, without the weights. */
export function deltaProduct({ count, gramA, gramB }: Pool, one: AdapterUnits, other: AdapterUnits): number {
  let sum = 0;
  for (const i of one.units) {
    for (const j of other.units) sum += gramA[i * count + j]! * gramB[i * count + j]!;
  }
  return sum;
}

/** The sum of the adapters' deltas, each times its factor. Their weights take no part. */
export function sumOfDeltas(adapters: readonly AdapterUnits[], factors: readonly number[]): MergedModule {
  return { combinations: adapters.flatMap(({ units }, t) => units.map((i) => timesUnit(i, factors[t]!))), rows: null };
}

/** The sum of the norms of an adapter's units. */
function unitNorms({ count, gramA, gramB }: Pool, { units }: AdapterUnits): number {
  return units.reduce((sum, i) => sum + Math.sqrt(gramA[i * (count + 1)]! * gramB[i * (count + 1)]!), 0);
}

/** The inner products of a combination of unit deltas with each of them. */
export function productsWith({ cosines }: DeltaDirections, coefficients: readonly number[]): number[] {
  return cosines.map((row) => row.reduce((sum, cosine, u) => sum + cosine * coefficients[u]!, 0));
}

/** The length of a combination of unit deltas. */
export function lengthOf(directions: DeltaDirections, coefficients: readonly number[]): number {
  const products = productsWith(directions, coefficients);
  const square = coefficients.reduce((sum, value, t) => sum + value * products[t]!, 0);
  return Math.sqrt(Math.max(0, square));
}

/**
 * The direction of the weighted mean of the unit deltas, as coefficients over them; null where it is shorter than 1e-6 and has none, as of
 * opposite deltas of equal weight.
 */
export function meanDirection(directions: DeltaDirections): number[] | null {
  const length = lengthOf(directions, directions.shares);
  return length < LEAST_LENGTH ? null : directions.shares.map((share) => share / length);
}

/**
 * Coefficients over the deltas of the point in a direction at the mean of the deltas' norms. Where there is no direction, those of the
 * weighted mean of the deltas.
 */
export function atMeanNorm({ shares, norms }: DeltaDirections, direction: readonly number[] | null): readonly number[] {
  if (direction === null || norms.length === 1) return shares;
  const length = norms.reduce((sum, norm, t) => sum + shares[t]! * norm, 0);
  return direction.map((value, t) => (value * length) / norms[t]!);
}
