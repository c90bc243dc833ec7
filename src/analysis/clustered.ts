import type { Pool } from "../adapter/pool.ts";
import { lego } from "../methods/lego/lego.ts";
import { type LegoOptions, PAPER } from "../methods/lego/options.ts";
import type { ClusterReport, MergedModule } from "../methods/method.ts";

/** LEGO on one pool whose adapters weigh alike. */
export function legoOn(pool: Pool, k: number, options: LegoOptions = PAPER): Promise<MergedModule> {
  const inputs = new Set(pool.ids.map(([input]) => input)).size;
  return lego.merge(pool, { rank: k, options, inputs, totalWeight: inputs, firstInput: 0 });
}

/** The clusters that LEGO makes of a pool. */
export async function clusteredBy(pool: Pool, k: number): Promise<readonly ClusterReport[]> {
  return (await legoOn(pool, k)).clusters!;
}
