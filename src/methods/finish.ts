import type { Pool, UnitRows } from "../adapter/pool.ts";
import { type Combination, combinationProducts, sumCombinations, type UnitProducts } from "../linalg/combination.ts";
import type { MergedModule } from "./method.ts";

/** A merged module at its final rank: its rows, and the inner products that figures are made of. */
export interface FinishedModule {
  readonly rows: UnitRows;
  readonly products: UnitProducts;
}

/**
 * Cut what a method made of a module to rank k by its singular values (the best approximation in the Frobenius norm), and write it out
 * as rows. What has k units or fewer stays as it is.
 */
export async function finishModule(pool: Pool, merged: MergedModule, k: number): Promise<FinishedModule> {
  if (merged.combinations !== null) return finishCombinations(pool, merged.combinations, merged.rows, k);
  const { rows } = merged;
  if (rows === null) throw new Error("a method gave neither rows nor combinations");
  const products = await pool.products(rows);
  if (rows.count <= k) return { rows, products };
  const { a, b } = await topUnits(products, k);
  const cut = pool.transform(rows, a, b);
  return { rows: cut, products: await pool.products(cut) };
}

async function finishCombinations(
  pool: Pool,
  whole: readonly Combination[],
  written: UnitRows | null,
  k: number,
): Promise<FinishedModule> {
  const products = combinationProducts(whole, pool);
  if (whole.length <= k) return { rows: written ?? (await pool.combine(whole)), products };
  const { a, b } = await topUnits(products, k);
  const cut = a.map((row, j) => sumCombinations(whole, row, b[j]!));
  return { rows: await pool.combine(cut), products: combinationProducts(cut, pool) };
}

/** The leading singular units of a delta. */
export interface TopUnits {
  /** Their singular values, descending, all above zero. */
  readonly sigma: readonly number[];
  /** Coefficients over the given units' halves of sqrt(sigma_j) v_j and sqrt(sigma_j) u_j. */
  readonly a: Float64Array[];
  readonly b: Float64Array[];
}

/** The k leading singular units of the delta of the given units. */
export async function topUnits(
  products: Pick<UnitProducts, "count" | "amongA" | "amongB">,
  k: number,
): Promise<TopUnits> {
  const { factorSvd } = await import("../linalg/factor-svd.ts");
  const { sigma, u, v } = factorSvd(products.amongA, products.amongB, products.count);
  const kept = sigma.slice(0, k);
  return {
    sigma: kept,
    a: kept.map((value, j) => Float64Array.from(v[j]!, (x) => x * Math.sqrt(value))),
    b: kept.map((value, j) => Float64Array.from(u[j]!, (x) => x * Math.sqrt(value))),
  };
}
