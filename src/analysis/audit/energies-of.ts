import type { Adapter } from "../../adapter/adapter.ts";
import { EnergyByRank } from "../../figures/energy-by-rank.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import { isStreamed } from "../../units/memory.ts";
import { moduleNames, readPool, spectrumOf } from "../pools.ts";

/**
 * The energy of sums of some adapters, each times its weight, for several weightings at once: modules are read once for all. Those whose
 * units are too many to compare are left out.
 */
export async function energiesOf(
  kernels: Kernels,
  adapters: readonly Adapter[],
  weightings: readonly (readonly number[])[],
): Promise<EnergyByRank[]> {
  const all = weightings.map(() => new EnergyByRank());
  const counts = adapters.map((_, t) => (weightings.some((weights) => weights[t] !== 0) ? 1 : 0));
  for (const name of moduleNames(adapters)) {
    if (isStreamed(adapters.flatMap(({ modules }) => modules.get(name) ?? []))) continue;
    const pool = await readPool(kernels, adapters, name, counts);
    if (pool === null) continue;
    for (const [n, weights] of weightings.entries()) {
      const weightOf = (i: number): number => weights[pool.ids[i]![0]]!;
      const units = [...pool.ids.keys()].filter((i) => weightOf(i) !== 0);
      all[n]!.add(spectrumOf(pool, units, weightOf));
    }
  }
  return all;
}
