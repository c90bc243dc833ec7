import type { AdapterModule } from "../adapter/adapter.ts";
import { RefusedError } from "../core/errors.ts";
import { entriesBytes } from "./stored-entries.ts";

/** Bytes of the f32 rows that are handed out at once: they stay in the last-level cache, and calls are few. */
const STRIP_BYTES = 2 * 2 ** 20;
/** Strips are whole multiples of the blocks that kernels sum in, so that their width never changes a bit of a sum. */
const BLOCK_COLUMNS = 512;
/** Factors of one module above this many bytes as stored are read at each pass in slabs of columns instead of being kept. */
const MAX_STORED_BYTES = 256 * 2 ** 20;
/** Bytes of one slab. */
const SLAB_BYTES = 64 * 2 ** 20;
/** Units of one module; their matrices alone take 48 N^2 bytes, and clustering time grows with N^2 k. */
const MAX_UNITS = 4096;

/** What is made of a pool: the most merged units that are held at once, and kernel memory besides, in bytes. */
export interface Room {
  readonly units: number;
  readonly bytes: number;
}

/** How a module's units are read, and the kernel memory that the pool and what is made of it take. */
export interface PoolMemory {
  /** Columns whose bytes are read at once, or null where all are kept. */
  readonly slab: number | null;
  readonly bytes: number;
}

/** @param modules one module of the adapters that have it */
export function poolMemory(modules: readonly AdapterModule[], room: Room): PoolMemory {
  const slab = slabColumns(modules);
  return { slab, bytes: poolBytes(modules, slab, room) };
}

/**
 * Kernel memory of a pool of N units and what is made of it, in bytes: the factors as stored, or a slab of them; two strips of f32 rows,
 * of units and of combinations; six N x N matrices in f64 (inner products of both halves, once as summed and once in order, coefficients,
 * and distances); and merged units with their inner products.
 */
export function poolBytes(modules: readonly AdapterModule[], slab: number | null, room: Room): number {
  const { in: inputs, out } = modules[0]!;
  const units = unitsOf(modules);
  const stored = modules.reduce(
    (sum, module) => sum + (slab === null ? moduleBytes(module) : slabBytes(module, slab)),
    0,
  );
  const strips = 8 * units * stripColumns(units, inputs, out);
  const matrices = 8 * units * (6 * units + 3);
  const merged = room.units * (4 * (inputs + out) + 16 * (units + 2 * room.units) + 64);
  return stored + strips + matrices + merged + room.bytes + 32 * modules.length + 2112;
}

/** @throws RefusedError for a module with more units than can be clustered */
export function refuseTooManyUnits(name: string, modules: readonly AdapterModule[]): void {
  const units = unitsOf(modules);
  if (units <= MAX_UNITS) return;
  throw new RefusedError(
    `${name} has ${units} units over all adapters, more than ${MAX_UNITS} can be merged at once; merge fewer adapters at a time, or prune them first.`,
  );
}

/** Columns of a strip over `units` rows. */
export function stripColumns(units: number, inputs: number, out: number): number {
  const blocks = Math.max(1, Math.floor(STRIP_BYTES / (4 * units * BLOCK_COLUMNS)));
  return Math.min(blocks * BLOCK_COLUMNS, Math.max(inputs, out));
}

/** Bytes of so many columns of either half of a module. */
export function slabBytes({ a, b }: AdapterModule, slab: number): number {
  return Math.max(entriesBytes(a, Math.min(slab, a.size)), entriesBytes(b, Math.min(slab, b.size)));
}

/** Columns whose bytes are read at once, whole strips of them; null where all are kept. */
function slabColumns(modules: readonly AdapterModule[]): number | null {
  const stored = modules.reduce((sum, module) => sum + moduleBytes(module), 0);
  if (stored <= MAX_STORED_BYTES) return null;
  const { in: inputs, out } = modules[0]!;
  const columns = Math.floor((SLAB_BYTES / stored) * (inputs + out));
  const strip = stripColumns(unitsOf(modules), inputs, out);
  return Math.max(1, Math.floor(columns / strip)) * strip;
}

/** Bytes of a module's factors as stored. */
function moduleBytes({ a, b }: AdapterModule): number {
  return entriesBytes(a, a.size) + entriesBytes(b, b.size);
}

function unitsOf(modules: readonly AdapterModule[]): number {
  return modules.reduce((sum, { rank }) => sum + rank, 0);
}
