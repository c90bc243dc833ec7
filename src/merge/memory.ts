import { RefusedError } from "../core/errors.ts";

/** Pools above this many bytes are read twice in slabs of columns instead of being kept. */
const MAX_POOL_BYTES = 256 * 2 ** 20;
/** Memory that a merge may plan for over all threads. */
const MAX_TOTAL_BYTES = 2 ** 30;
/** Bytes of one slab. */
const SLAB_BYTES = 64 * 2 ** 20;
/** Units of one module; their Gram matrices alone take 24 N^2 bytes, and clustering time grows with N^2 k. */
const MAX_UNITS = 4096;

/** What decides a module's memory: units over all adapters, columns of A, rows of B. */
export interface ModuleSize {
  readonly name: string;
  readonly units: number;
  readonly in: number;
  readonly out: number;
}

/** What merging one module of this size needs: 4 N (in + out) + 24 N^2 bytes, the pool in slabs where it is large. */
function moduleBytes(units: number, inputs: number, out: number): number {
  return Math.min(4 * units * (inputs + out), MAX_POOL_BYTES + SLAB_BYTES) + 24 * units * units;
}

/** Columns that a pool is read in at once, or null where it is kept whole. */
export function slabColumns(units: number, inputs: number, out: number): number | null {
  if (4 * units * (inputs + out) <= MAX_POOL_BYTES) return null;
  return Math.max(256, Math.floor(SLAB_BYTES / (4 * units)));
}

/**
 * How many of `wanted` threads fit into memory, at least one.
 *
 * @throws RefusedError for a module with more units than can be clustered
 */
export function affordableThreads(wanted: number, modules: readonly ModuleSize[]): number {
  let largest = 1;
  for (const { name, units, in: inputs, out } of modules) {
    if (units > MAX_UNITS) {
      throw new RefusedError(
        `${name} has ${units} units over all adapters, more than ${MAX_UNITS} can be merged at once; merge fewer adapters at a time, or prune them first.`,
      );
    }
    largest = Math.max(largest, moduleBytes(units, inputs, out));
  }
  return Math.max(1, Math.min(wanted, Math.floor(MAX_TOTAL_BYTES / largest)));
}
