import { scaledUnit } from "../linalg/combination.ts";
import type { Pool } from "../units/pool.ts";
import { type Method, sumOfRanks } from "./method.ts";
import { type AdapterUnits, adaptersInOrder } from "./unit-order.ts";

/** Angles whose sine is below this are interpolated linearly. */
const LEAST_SINE = 1e-6;

/** Options of slerp. */
export interface SlerpOptions {
  readonly t: number;
}

/**
 * Spherical interpolation of two deltas, module by module: sin((1-t) o) / sin(o) D_1 + sin(t o) / sin(o) D_2, where o is the angle
 * between the flattened deltas, from the Gram matrices. Linear if they are parallel or one is zero. Weights multiply the deltas first.
 */
export const slerp: Method<SlerpOptions> = {
  id: "slerp",
  title: "Spherical interpolation of two deltas",
  reference: "Shoemake 1985; mergekit, merge_method slerp",
  dependsOn: "delta",
  single: "changes",
  weights: "linear",
  needs: { adapters: 2 },
  parameters: {
    t: { type: "number", least: 0, most: 1, default: 0.5, description: "0 gives the first adapter, 1 the second" },
  },
  precise: () => true,
  yields: "combinations",
  cut: "svd",
  defaultTarget: (largest) => ({ kind: "rank", rank: largest }),
  fullRank: sumOfRanks,
  async merge(pool, { options: { t }, firstInput }) {
    const adapters = adaptersInOrder(pool);
    const shares = adapters.map(({ input }) => (input === firstInput ? 1 - t : t));
    const [one, other] = adapters;
    const angle = one === undefined || other === undefined ? 0 : angleBetween(pool, one, other);
    const sine = Math.sin(angle);
    const factors = shares.map((share) => (sine < LEAST_SINE ? share : Math.sin(share * angle) / sine));
    const combinations = adapters.flatMap(({ units, weight }, x) => {
      const factor = weight * factors[x]!;
      const half = Math.sqrt(Math.abs(factor));
      return units.map((i) => scaledUnit(i, half, factor < 0 ? -half : half));
    });
    return { combinations, rows: null };
  },
};

function angleBetween(pool: Pool, one: AdapterUnits, other: AdapterUnits): number {
  const product = (left: AdapterUnits, right: AdapterUnits): number => {
    let sum = 0;
    for (const i of left.units) {
      for (const j of right.units) sum += pool.gramA[i * pool.count + j]! * pool.gramB[i * pool.count + j]!;
    }
    return left.weight * right.weight * sum;
  };
  const norms = Math.sqrt(product(one, one) * product(other, other));
  return norms === 0 ? 0 : Math.acos(Math.max(-1, Math.min(1, product(one, other) / norms)));
}
