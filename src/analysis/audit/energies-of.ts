import type { Adapter } from "../../adapter/adapter.ts";
import { EnergyByRank } from "../../figures/energy-by-rank.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import { isStreamed } from "../../units/memory.ts";
import { moduleNames, readPool, spectrumOf } from "../pools.ts";

/** The energy of the sum of some adapters, each times its weight; modules whose units are too many to compare are left out. */
export async function energiesOf(
  kernels: Kernels,
  adapters: readonly Adapter[],
  weights: readonly number[],
): Promise<EnergyByRank> {
  const energies = new EnergyByRank();
  for (const name of moduleNames(adapters)) {
    if (isStreamed(adapters.flatMap(({ modules }) => modules.get(name) ?? []))) continue;
    const pool = await readPool(kernels, adapters, name, weights);
    if (pool !== null) energies.add(spectrumOf(pool, [...pool.ids.keys()], (i) => pool.weights[i]!));
  }
  return energies;
}
