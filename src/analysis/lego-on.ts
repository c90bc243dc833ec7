import { lego } from "../methods/lego/lego.ts";
import type { LegoOptions } from "../methods/lego/options.ts";
import type { Method } from "../methods/method.ts";
import { runModule } from "../methods/run-module.ts";
import type { Pool } from "../units/pool.ts";

/** LEGO on one pool, with equal weights for all adapters. */
export function legoOn(pool: Pool, k: number, options: LegoOptions): ReturnType<typeof runModule> {
  const inputs = new Set(pool.ids.map(([input]) => input)).size;
  const method = lego as Method;
  const run = { method, options, target: { kind: "rank", rank: k }, after: null, firstInput: 0 } as const;
  return runModule(pool, run, Array<number>(inputs).fill(1));
}
