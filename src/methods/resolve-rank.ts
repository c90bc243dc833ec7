import { factorSvd, gramSpectrum } from "../linalg/factor-svd.ts";
import type { Pool } from "../units/pool.ts";
import { type EnergyRule, type Method, type ModuleTarget, targetRank } from "./method.ts";

/**
 * The k that a target means for a module. Energy rules use the singular values of S = sum w_t D_t or, for methods that cluster, the
 * square roots of the eigenvalues of the units' Gram matrix, and take the smallest k that is enough.
 */
export function resolveRank(pool: Pool, target: ModuleTarget, cut: Method["cut"]): number {
  if (target.kind !== "energy") return targetRank(target, pool.count);
  const n = pool.count;
  if (cut === "clusters") {
    return energyRank(
      gramSpectrum(
        pool.gramA.map((value, cell) => value + pool.gramB[cell]!),
        n,
      ),
      target,
    );
  }
  const weighted = pool.gramA.map((v, cell) => v * pool.weights[Math.floor(cell / n)]! * pool.weights[cell % n]!);
  return energyRank(factorSvd(weighted, pool.gramB, n).sigma, target);
}

/**
 * The smallest number of leading singular values that is enough: all above sigma_0 / threshold (sv_ratio), or a share of at least the
 * threshold in their sum (sv_cumulative) or in the root of their squares' sum (sv_fro). At least 1.
 *
 * @param sigma descending
 */
export function energyRank(
  sigma: readonly number[],
  { rule, threshold }: { readonly rule: EnergyRule; readonly threshold: number },
): number {
  if (rule === "sv_ratio") return Math.max(1, sigma.filter((value) => value > sigma[0]! / threshold).length);
  const power = rule === "sv_fro" ? 2 : 1;
  const needed = rule === "sv_fro" ? threshold ** 2 : threshold;
  const total = sigma.reduce((sum, value) => sum + value ** power, 0);
  let kept = 0;
  for (const [j, value] of sigma.entries()) {
    kept += value ** power;
    if (kept >= needed * total) return j + 1;
  }
  return Math.max(1, sigma.length);
}
