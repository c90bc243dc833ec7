import type { AdapterModule } from "../adapter/adapter.ts";
import { kroneckerSides } from "../adapter/lycoris/leading.ts";
import { RefusedError } from "../core/errors.ts";
import { entriesBytes } from "./stored-entries.ts";

/** Bytes of one strip of f32 rows: it stays in the last-level cache, and calls are few. */
const STRIP_BYTES = 2 * 2 ** 20;
/** Strips are whole multiples of the kernels' summation blocks, so their width never changes a bit of a sum. */
const BLOCK_COLUMNS = 512;
/** If a module's stored factors are larger than this, each pass reads them in slabs of columns instead of keeping them. */
const MAX_STORED_BYTES = 128 * 2 ** 20;
/** Bytes of one slab. */
const SLAB_BYTES = 64 * 2 ** 20;
/** The most units that have a matrix of all pairs: six of these take 48 N^2 bytes, and clustering time grows with N^2 k. */
export const MAX_UNITS = 4096;

/** Room for a pool's results: the most merged units held at once, and other kernel memory in bytes. */
export interface Room {
  readonly units: number;
  readonly bytes: number;
}

/** How a module's units are read, and the kernel memory for the pool and its results. */
export interface PoolMemory {
  /** Columns whose bytes are read at once, or null if all bytes are kept. */
  readonly slab: number | null;
  /** Whether there are too many units for a matrix of all pairs (`StreamedPool`). */
  readonly streamed: boolean;
  readonly bytes: number;
}

/**
 * How a module is read, and what that takes.
 *
 * @param modules one module of the adapters that have it
 * @param streamed whether the matrices of all pairs are left out
 */
export function poolMemory(
  modules: readonly AdapterModule[],
  room: Room,
  streamed: boolean = isStreamed(modules),
): PoolMemory {
  const slab = slabColumns(modules);
  return { slab, streamed, bytes: poolBytes(modules, slab, room, streamed) };
}

/** Whether a module has too many units for a matrix of all pairs. */
export function isStreamed(modules: readonly AdapterModule[]): boolean {
  return unitsOf(modules) > MAX_UNITS;
}

/**
 * Kernel memory of a pool of N units and its results, in bytes. It holds the stored factors, or a slab of them; two strips of f32 rows,
 * for units and for combinations; six N x N matrices in f64 (inner products of both halves, as summed and in order, coefficients and
 * distances); and merged units with their inner products. A streamed pool has one strip, and inner products within each adapter only.
 */
export function poolBytes(
  modules: readonly AdapterModule[],
  slab: number | null,
  room: Room,
  streamed: boolean = false,
): number {
  const { in: inputs, out } = modules[0]!;
  const units = unitsOf(modules);
  const stored = modules.reduce(
    (sum, module) => sum + (slab === null ? moduleBytes(module) : slabBytes(module, slab)),
    0,
  );
  const strips = (streamed ? 4 : 8) * units * stripColumns(units, inputs, out);
  const own = modules.reduce((sum, { rank }) => sum + 16 * rank * rank, 8 * units);
  const matrices = streamed ? own : 8 * units * (6 * units + 3);
  const merged = room.units * (4 * (inputs + out) + 16 * (units + 2 * room.units) + 64);
  return stored + strips + matrices + merged + room.bytes + 32 * modules.length + 2112;
}

/** @throws RefusedError for a module with more units than have a matrix of all pairs */
export function refuseTooManyUnits(name: string, modules: readonly AdapterModule[]): void {
  const units = unitsOf(modules);
  if (units <= MAX_UNITS) return;
  const [only, ...others] = modules;
  const [over, done, way] =
    others.length > 0
      ? [
          " over all adapters",
          "compared",
          "compare fewer adapters at a time, or cut them first (lora-lego resize --rank)",
        ]
      : kroneckerSides(only!) !== null
        ? [
            "",
            "merged or compared",
            "cut the adapter first with lora-lego resize --rank, which takes a LoKr of any size",
          ]
        : ["", "merged or compared", `leave it out with lora-lego merge --exclude ${name}`];
  throw new RefusedError(`${name} has ${units} units${over}, but at most ${MAX_UNITS} can be ${done} at once; ${way}.`);
}

/** Columns of a strip over `units` rows. */
export function stripColumns(units: number, inputs: number, out: number): number {
  const blocks = Math.max(1, Math.floor(STRIP_BYTES / (4 * units * BLOCK_COLUMNS)));
  return Math.min(blocks * BLOCK_COLUMNS, Math.max(inputs, out));
}

/** Bytes of `slab` columns of either half of a module, whichever needs more. */
export function slabBytes({ a, b }: AdapterModule, slab: number): number {
  return Math.max(entriesBytes(a, Math.min(slab, a.size)), entriesBytes(b, Math.min(slab, b.size)));
}

/** Columns whose bytes are read at once, in whole strips; null if all bytes are kept. */
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

export function unitsOf(modules: readonly AdapterModule[]): number {
  return modules.reduce((sum, { rank }) => sum + rank, 0);
}
