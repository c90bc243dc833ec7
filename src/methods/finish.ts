import {
  type Combination,
  combinationProducts,
  transformCombinations,
  type UnitProducts,
} from "../linalg/combination.ts";
import type { LiveUnits } from "../units/live-units.ts";
import type { Pool } from "../units/pool.ts";
import { rowGrams, transformRows, type UnitRows } from "../units/unit-rows.ts";
import { cutHalfRows, writtenHalfRows } from "./half-rows.ts";
import type { AfterStep, MergedModule } from "./method.ts";
import { svcFactors } from "./svc.ts";
import { type TopUnits, topUnits } from "./top-units.ts";

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
  { combinations, rows: given, halfRows }: MergedModule,
  k: number,
  after: AfterStep | null = null,
): Promise<CutModule> {
  if (combinations !== null) return cutCombinations(pool, combinations, given, k, after);
  if (halfRows !== undefined && halfRows.b.length > k && after === null) {
    return withProducts(pool, await cutHalfRows(pool, halfRows, k));
  }
  const rows = halfRows === undefined ? given : await writtenHalfRows(pool, halfRows);
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

function calibratedUnits(pool: Pool, products: UnitProducts, k: number): TopUnits {
  return topUnits(products, k, (svd) => svcFactors(pool, products, svd));
}
