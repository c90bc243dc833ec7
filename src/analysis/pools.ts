import type { Adapter, AdapterModule } from "../adapter/adapter.ts";
import { compareNaturally } from "../core/natural-order.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { factorSvd } from "../linalg/factor-svd.ts";
import { sumOfRanks } from "../methods/method.ts";
import { type PoolMemory, poolMemory, refuseTooManyUnits } from "../units/memory.ts";
import { Pool } from "../units/pool.ts";

/**
 * Read a module's units from all adapters that have it, with scales folded in and sums in f64. The pool is void when the
 * same kernels read the next one.
 *
 * @param weights one per adapter, 1 each by default; adapters of weight 0 are left out
 * @param memoryOf memory for the pool and its results; room for twice its units by default
 * @returns null if no adapter has the module
 */
export async function readPool(
  kernels: Kernels,
  adapters: readonly Adapter[],
  name: string,
  weights: readonly number[] = adapters.map(() => 1),
  memoryOf: (modules: readonly AdapterModule[]) => PoolMemory = roomForTwice,
): Promise<Pool | null> {
  const parts = adapters.flatMap((adapter, input) => {
    const module = adapter.modules.get(name);
    const weight = weights[input]!;
    if (module === undefined || weight === 0) return [];
    return [{ input, name: adapter.name, weight, module, files: adapter.files, scale: module.scale }];
  });
  if (parts.length === 0) return null;
  const modules = parts.map(({ module }) => module);
  refuseTooManyUnits(name, modules);
  return Pool.survey(kernels, parts, memoryOf(modules), true);
}

function roomForTwice(modules: readonly AdapterModule[]): PoolMemory {
  return poolMemory(modules, { units: 2 * sumOfRanks(modules.map(({ rank }) => rank)), bytes: 0 });
}

/** Names of all modules of some adapters, in natural order ("layers.2" before "layers.10"). */
export function moduleNames(adapters: readonly Adapter[]): string[] {
  const names = new Set(adapters.flatMap(({ modules }) => [...modules.keys()]));
  return [...names].sort(compareNaturally);
}

/** Singular values of one adapter's delta, from the Gram matrices of its units. */
export function adapterSpectrum(pool: Pool, input: number): readonly number[] {
  return spectrumOf(pool, unitsOf(pool, input), () => 1);
}

/** The positions of one adapter's units in a pool. */
export function unitsOf({ ids }: Pool, input: number): number[] {
  return Array.from(ids.keys()).filter((i) => ids[i]![0] === input);
}

/** Singular values of the sum of some units' deltas, each times its factor. */
export function spectrumOf(
  { count, gramA, gramB }: Pool,
  units: readonly number[],
  factorOf: (unit: number) => number,
): readonly number[] {
  const n = units.length;
  const among = (gram: Float64Array): Float64Array =>
    Float64Array.from({ length: n * n }, (_, cell) => gram[units[Math.floor(cell / n)]! * count + units[cell % n]!]!);
  const factors = units.map(factorOf);
  const a = among(gramA).map((value, cell) => value * factors[Math.floor(cell / n)]! * factors[cell % n]!);
  return factorSvd(a, among(gramB), n).sigma;
}
