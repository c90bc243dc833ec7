import type { Adapter } from "../adapter/adapter.ts";
import { Pool, poolBytes } from "../adapter/pool.ts";
import { UnitReader, unitReaderBytes } from "../adapter/unit-reader.ts";
import { compareNaturally } from "../core/natural-order.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { refuseTooManyUnits, slabColumns } from "../merge/memory.ts";

/**
 * Read a module's units from all adapters that have it, scales folded in, sums in f64. The pool is void when the next one
 * is read with the same kernels.
 *
 * @returns null where no adapter has the module
 */
export async function readPool(kernels: Kernels, adapters: readonly Adapter[], name: string): Promise<Pool | null> {
  const parts = adapters.flatMap((adapter, input) => {
    const module = adapter.modules.get(name);
    if (module === undefined) return [];
    return [{ input, name: adapter.name, weight: 1, module, files: adapter.files, scale: module.scale }];
  });
  if (parts.length === 0) return null;
  const modules = parts.map(({ module }) => module);
  refuseTooManyUnits(name, modules);
  const { in: inputs, out } = modules[0]!;
  const units = modules.reduce((sum, { rank }) => sum + rank, 0);
  const slab = slabColumns(modules);
  kernels.reset(unitReaderBytes(modules, slab) + poolBytes(units, inputs, out, 2 * units));
  return Pool.survey(kernels, new UnitReader(kernels, parts, slab), true);
}

/** Names of all modules of some adapters, in natural order ("layers.2" before "layers.10"). */
export function moduleNames(adapters: readonly Adapter[]): string[] {
  const names = new Set(adapters.flatMap(({ modules }) => [...modules.keys()]));
  return [...names].sort(compareNaturally);
}
