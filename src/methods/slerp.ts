import type { Pool } from "../units/pool.ts";
import { deltaProduct, sumOfDeltas } from "./delta-directions.ts";
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
    const factors = arcFactors(shares, angle);
    return sumOfDeltas(
      adapters,
      adapters.map(({ weight }, x) => weight * factors[x]!),
    );
  },
};

/** Factors of two points for the point between them on an arc, from its shares of the angle (their sum is 1). */
export function arcFactors(shares: readonly number[], angle: number): number[] {
  const sine = Math.sin(angle);
  return shares.map((share) => (sine < LEAST_SINE ? share : Math.sin(share * angle) / sine));
}

function angleBetween(pool: Pool, one: AdapterUnits, other: AdapterUnits): number {
  const product = (left: AdapterUnits, right: AdapterUnits): number =>
    left.weight * right.weight * deltaProduct(pool, left, right);
  const norms = Math.sqrt(product(one, one) * product(other, other));
  return norms === 0 ? 0 : Math.acos(Math.max(-1, Math.min(1, product(one, other) / norms)));
}
