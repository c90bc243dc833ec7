import type { AdapterModule } from "../adapter/adapter.ts";
import { storedBytes, stripColumns } from "../adapter/unit-reader.ts";
import { RefusedError } from "../core/errors.ts";
import { maximum } from "../core/maximum.ts";

/** Factors of one module above this many bytes as stored are read twice in slabs of columns instead of being kept. */
const MAX_STORED_BYTES = 256 * 2 ** 20;
/** Memory that a merge may plan for over all threads. */
const MAX_TOTAL_BYTES = 2 ** 30;
/** Bytes of one slab. */
const SLAB_BYTES = 64 * 2 ** 20;
/** Units of one module; their matrices alone take 48 N^2 bytes, and clustering time grows with N^2 k. */
const MAX_UNITS = 4096;

/** What decides a module's memory: its factors over all adapters, and the rank that it is written with. */
export interface ModuleSize {
  readonly modules: readonly AdapterModule[];
  readonly rank: number;
  /** Bytes that the method takes beside the pool and the result. */
  readonly scratch: number;
}

const unitsOf = (modules: readonly AdapterModule[]): number => modules.reduce((sum, { rank }) => sum + rank, 0);

/**
 * What merging one module of this size needs, N units in all: its factors as stored (in slabs where they are large), two strips of
 * f32 rows, the result, six N x N matrices in f64 (inner products of both halves, once as summed and once in order, and two that
 * clustering works on), and the method's scratch.
 */
function moduleBytes({ modules, rank, scratch }: ModuleSize): number {
  const { in: inputs, out } = modules[0]!;
  const units = unitsOf(modules);
  const stored = Math.min(storedBytes(modules), MAX_STORED_BYTES);
  return (
    stored + 8 * units * stripColumns(units, inputs, out) + 6 * rank * (inputs + out) + 48 * units * units + scratch
  );
}

/** Columns whose bytes are read at once, or null where all are kept. */
export function slabColumns(modules: readonly AdapterModule[]): number | null {
  const stored = storedBytes(modules);
  if (stored <= MAX_STORED_BYTES) return null;
  const { in: inputs, out } = modules[0]!;
  const columns = Math.floor((SLAB_BYTES / stored) * (inputs + out));
  const strip = stripColumns(unitsOf(modules), inputs, out);
  return Math.max(1, Math.floor(columns / strip)) * strip;
}

/** @throws RefusedError for a module with more units than can be clustered */
export function refuseTooManyUnits(name: string, modules: readonly AdapterModule[]): void {
  const units = unitsOf(modules);
  if (units <= MAX_UNITS) return;
  throw new RefusedError(
    `${name} has ${units} units over all adapters, more than ${MAX_UNITS} can be merged at once; merge fewer adapters at a time, or prune them first.`,
  );
}

/** How many of `wanted` threads fit into memory, at least one. */
export function affordableThreads(wanted: number, sizes: readonly ModuleSize[]): number {
  const largest = maximum(sizes.map(moduleBytes));
  return Math.max(1, Math.min(wanted, Math.floor(MAX_TOTAL_BYTES / Math.max(1, largest))));
}
