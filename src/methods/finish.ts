import {
  type Combination,
  combinationProducts,
  transformCombinations,
  type UnitProducts,
} from "../linalg/combination.ts";
import { type FactorSvd, factorSvd } from "../linalg/factor-svd.ts";
import type { LiveUnits } from "../units/live-units.ts";
import type { Pool } from "../units/pool.ts";
import { rowGrams, transformRows, type UnitRows } from "../units/unit-rows.ts";
import type { AfterStep, MergedModule } from "./method.ts";
import { svcFactors } from "./svc.ts";

/** A merged module at its final rank, as combinations of the pool's units or as rows, with the inner products for its figures. */
export interface CutModule {
  readonly combinations: readonly Combination[] | null;
  /** Written rows, if they exist already. */
  readonly rows: UnitRows | null;
  readonly products: UnitProducts;
}

/** The rows of a cut module, written out if they are not yet. */
export async function writtenRows(pool: Pool, { combinations, rows }: CutModule): Promise<UnitRows> {
  return rows ?? pool.combine(combinations!);
}

/**
 * Cut a method's result for a module to rank k by its singular values (the best approximation in the Frobenius norm), and run the step
 * after it. A result of at most k units is unchanged if no step follows.
 */
export async function cutModule(
  pool: Pool,
  { combinations, rows }: MergedModule,
  k: number,
  after: AfterStep | null = null,
): Promise<CutModule> {
  if (combinations !== null) return cutCombinations(pool, combinations, rows, k, after);
  if (rows === null) throw new Error("a method gave neither rows nor combinations");
  if (after === null) return cutRows(pool, rows, k);
  const { a, b } = calibratedUnits(pool, await pool.products(rows), k);
  return withProducts(pool, transformRows(pool, rows, a, b));
}

/** Cut rows to rank k by their singular values; at most k rows are unchanged. */
export function cutRows(pool: LiveUnits, rows: UnitRows, k: number): Promise<CutModule> {
  if (rows.count <= k) return withProducts(pool, rows);
  const { a, b } = topUnits(rowGrams(pool, rows), k);
  return withProducts(pool, transformRows(pool, rows, a, b));
}

async function withProducts(pool: LiveUnits, rows: UnitRows): Promise<CutModule> {
  return { combinations: null, rows, products: await pool.products(rows) };
}

function cutCombinations(
  pool: Pool,
  combinations: readonly Combination[],
  rows: UnitRows | null,
  k: number,
  after: AfterStep | null,
): CutModule {
  const products = combinationProducts(combinations, pool);
  if (combinations.length <= k && after === null) return { combinations, rows, products };
  const { a, b } = after === null ? topUnits(products, k) : calibratedUnits(pool, products, k);
  const cut = transformCombinations(combinations, a, b);
  return { combinations: cut, rows: null, products: combinationProducts(cut, pool) };
}

/** The leading singular units of a delta. */
export interface TopUnits {
  /** Their singular values, descending, all above zero. */
  readonly sigma: readonly number[];
  /** Coefficients over the given units' halves of sqrt(sigma_j) v_j and sqrt(sigma_j) u_j. */
  readonly a: Float64Array[];
  readonly b: Float64Array[];
}

/**
 * The k leading singular units of the delta of the given units.
 *
 * @param calibrate returns the factor of each singular value
 */
export function topUnits(
  products: Pick<UnitProducts, "count" | "amongA" | "amongB">,
  k: number,
  calibrate: ((svd: FactorSvd) => number[]) | null = null,
): TopUnits {
  const svd = factorSvd(products.amongA, products.amongB, products.count, k);
  const factors = calibrate?.(svd);
  const sigma = svd.sigma.map((value, j) => value * (factors?.[j] ?? 1));
  const scaled = (vector: Float64Array, j: number): Float64Array => vector.map((x) => x * Math.sqrt(sigma[j]!));
  return {
    sigma,
    a: sigma.map((_, j) => scaled(svd.v[j]!, j)),
    b: sigma.map((_, j) => scaled(svd.u[j]!, j)),
  };
}

function calibratedUnits(pool: Pool, products: UnitProducts, k: number): TopUnits {
  return topUnits(products, k, (svd) => svcFactors(pool, products, svd));
}
