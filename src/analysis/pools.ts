import type { Adapter } from "../adapter/adapter.ts";
import { Pool, poolBytes } from "../adapter/pool.ts";
import { UnitReader, unitReaderBytes } from "../adapter/unit-reader.ts";
import { compareNaturally } from "../core/natural-order.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { factorSvd } from "../linalg/factor-svd.ts";
import { refuseTooManyUnits, slabColumns } from "../merge/memory.ts";
import { type ModuleShape, sumOfRanks } from "../methods/method.ts";

/** Memory for what is made of a pool: so many merged units in all, and bytes besides. */
export interface Room {
  readonly units: number;
  readonly bytes: number;
}

/**
 * Read a module's units from all adapters that have it, scales folded in, sums in f64. The pool is void when the next one
 * is read with the same kernels.
 *
 * @param weights one per adapter, 1 each by default; adapters of weight 0 are left out
 * @param room of what will be made of the pool; twice its units by default
 * @returns null where no adapter has the module
 */
export async function readPool(
  kernels: Kernels,
  adapters: readonly Adapter[],
  name: string,
  weights: readonly number[] = adapters.map(() => 1),
  room: (shape: Omit<ModuleShape, "rank">) => Room = ({ ranks }) => ({ units: 2 * sumOfRanks(ranks), bytes: 0 }),
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
  const { in: inputs, out } = modules[0]!;
  const ranks = modules.map(({ rank }) => rank);
  const slab = slabColumns(modules);
  const { units, bytes } = room({ in: inputs, out, ranks });
  kernels.reset(unitReaderBytes(modules, slab) + poolBytes(sumOfRanks(ranks), inputs, out, units) + bytes);
  return Pool.survey(kernels, new UnitReader(kernels, parts, slab), true);
}

/** Names of all modules of some adapters, in natural order ("layers.2" before "layers.10"). */
export function moduleNames(adapters: readonly Adapter[]): string[] {
  const names = new Set(adapters.flatMap(({ modules }) => [...modules.keys()]));
  return [...names].sort(compareNaturally);
}

/** Singular values of one adapter's delta, from the Gram matrices of its units. */
export function adapterSpectrum({ count, ids, gramA, gramB }: Pool, input: number): readonly number[] {
  const units = Array.from(ids.keys()).filter((i) => ids[i]![0] === input);
  const among = (gram: Float64Array): Float64Array =>
    Float64Array.from(units.flatMap((i) => units.map((j) => gram[i * count + j]!)));
  return factorSvd(among(gramA), among(gramB), units.length).sigma;
}
