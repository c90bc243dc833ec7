import type { Pool } from "../adapter/pool.ts";
import { lego } from "../methods/lego/lego.ts";
import type { LegoOptions } from "../methods/lego/options.ts";
import type { MergedModule } from "../methods/method.ts";

/** LEGO on one pool whose adapters weigh alike. */
export function legoOn(pool: Pool, k: number, options: LegoOptions): Promise<MergedModule> {
  const inputs = new Set(pool.ids.map(([input]) => input)).size;
  return lego.merge(pool, { rank: k, options, inputs, totalWeight: inputs, firstInput: 0 });
}
