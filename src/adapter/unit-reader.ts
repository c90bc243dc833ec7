import type { ByteSource } from "../core/bytes.ts";
import { bytesOf } from "../core/dtype.ts";
import { FormatError } from "../core/errors.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { AdapterModule, FactorRef, UnitId } from "./adapter.ts";
import { MATRIX_KINDS, refuseKinds } from "./kinds.ts";

/** Bytes of the f32 rows that are handed out at once: they stay in the last-level cache, and calls are few. */
const STRIP_BYTES = 2 * 2 ** 20;
/** Strips are whole multiples of the blocks that kernels sum in, so that their width never changes a bit of a sum. */
const BLOCK_COLUMNS = 512;

/** One adapter's share of a module's pool. */
export interface PoolPart {
  /** Index of the adapter among the inputs, and its name for messages. */
  readonly input: number;
  readonly name: string;
  readonly weight: number;
  readonly module: AdapterModule;
  readonly files: readonly ByteSource[];
  /** The scale that is folded into the units: the module's, or 1 where one scale serves the whole file. */
  readonly scale: number;
}

/** Some columns of all rows of one half in kernel memory: row i starts at rows[i * length] and holds columns offset .. offset + length. */
export type UseRows = (rows: Float32Array, length: number, offset: number) => void;

/**
 * Reads the units of one module from all its adapters, sqrt|s| folded into both halves and the sign of s into b. The stored bytes
 * stay in kernel memory, or each visit reads them again slab by slab; either way they are widened strip by strip, at each visit
 * anew: that costs less than moving f32 rows to and from main memory.
 */
export class UnitReader {
  readonly in: number;
  readonly out: number;
  readonly ids: readonly UnitId[];
  readonly weights: Float64Array;
  /** The scale that is folded into each unit. */
  readonly scales: Float64Array;
  /** The most columns that a visit hands out at once. */
  readonly columns: number;
  readonly #kernels: Kernels;
  readonly #parts: readonly PoolPart[];
  readonly #unscaled: readonly PoolPart[];
  readonly #slab: number | null;
  readonly #strip: Float32Array;
  readonly #kept: { a?: readonly Uint8Array[]; b?: readonly Uint8Array[] } = {};
  #staging: readonly Uint8Array[] | null = null;

  /**
   * @param parts at least one; all of one shape
   * @param slab columns whose bytes are read at once, or null to keep the bytes of all; the arena must have `unitReaderBytes` free
   */
  constructor(kernels: Kernels, parts: readonly PoolPart[], slab: number | null) {
    for (const { name, module } of parts) refuseKinds(name, [module], MATRIX_KINDS, "a merge");
    const { in: inputs, out } = parts[0]!.module;
    this.in = inputs;
    this.out = out;
    this.ids = parts.flatMap(({ input, module }) => Array.from({ length: module.rank }, (_, i) => [input, i] as const));
    this.weights = Float64Array.from(parts.flatMap(({ weight, module }) => Array<number>(module.rank).fill(weight)));
    this.scales = Float64Array.from(parts.flatMap(({ scale, module }) => Array<number>(module.rank).fill(scale)));
    this.columns = stripColumns(this.ids.length, inputs, out);
    this.#kernels = kernels;
    this.#parts = parts;
    this.#unscaled = parts.map((part) => ({ ...part, scale: 1 }));
    this.#slab = slab;
    this.#strip = kernels.f32(this.ids.length * this.columns);
  }

  /**
   * Hand all rows of one half to `use`, strip by strip in ascending columns.
   *
   * @param folded false for rows as they are stored, without their scales
   */
  async visit(half: "a" | "b", use: UseRows, folded = true): Promise<void> {
    const parts = folded ? this.#parts : this.#unscaled;
    const columns = half === "a" ? this.in : this.out;
    const slab = this.#slab ?? columns;
    for (let from = 0; from < columns; from += slab) {
      const size = Math.min(slab, columns - from);
      const stored = await this.#fetch(half, from, size);
      for (let at = 0; at < size; at += this.columns) {
        const length = Math.min(this.columns, size - at);
        this.#widen(parts, half, stored, size, at, length);
        use(this.#strip, length, from + at);
      }
    }
  }

  /** The stored bytes of `size` columns of each part, of all its units. */
  async #fetch(half: "a" | "b", from: number, size: number): Promise<readonly Uint8Array[]> {
    const kept = this.#kept[half];
    if (kept !== undefined) return kept;
    const stored =
      this.#slab === null
        ? this.#parts.map(({ module }) => this.#kernels.bytes(halfBytes(module, half, size)))
        : this.#stage(this.#slab).map((bytes, p) => bytes.subarray(0, halfBytes(this.#parts[p]!.module, half, size)));
    for (let p = 0; p < stored.length; p++) await this.#read(this.#parts[p]!, half, from, size, stored[p]!);
    if (this.#slab === null) this.#kept[half] = stored;
    return stored;
  }

  async #read(
    { module, files }: PoolPart,
    half: "a" | "b",
    from: number,
    size: number,
    into: Uint8Array,
  ): Promise<void> {
    const { rank } = module;
    const tensor = module[half];
    const file = files[tensor.file]!;
    const element = bytesOf(tensor.dtype);
    if (tensor.units === "columns") return file.read(tensor.begin + from * rank * element, into);
    const columns = half === "a" ? this.in : this.out;
    if (size === columns) return file.read(tensor.begin, into);
    for (let i = 0; i < rank; i++) {
      const row = into.subarray(i * size * element, (i + 1) * size * element);
      await file.read(tensor.begin + (i * columns + from) * element, row);
    }
  }

  #stage(slab: number): readonly Uint8Array[] {
    this.#staging ??= this.#parts.map(({ module }) => this.#kernels.bytes(slabBytes(module, slab)));
    return this.#staging;
  }

  /** Widen columns at .. at + length of the stored `size` ones into the strip. */
  #widen(
    parts: readonly PoolPart[],
    half: "a" | "b",
    stored: readonly Uint8Array[],
    size: number,
    at: number,
    length: number,
  ): void {
    let row = 0;
    for (let p = 0; p < stored.length; p++) {
      const part = parts[p]!;
      const factor = part.module[half];
      const { rank } = part.module;
      const into = this.#strip.subarray(row * length, (row + rank) * length);
      const root = Math.sqrt(Math.abs(part.scale));
      const times = half === "b" && part.scale < 0 ? -root : root;
      if (!this.#widenFactor(factor, rank, stored[p]!, size, at, length, into, times)) throw notFinite(part, factor);
      row += rank;
    }
  }

  #widenFactor(
    { dtype, units }: FactorRef,
    rank: number,
    stored: Uint8Array,
    size: number,
    at: number,
    length: number,
    into: Float32Array,
    times: number,
  ): boolean {
    const kernels = this.#kernels;
    if (units === "rows") {
      return kernels.widen(dtype, stored.subarray(at * bytesOf(dtype)), size, rank, length, into, length, times);
    }
    const from = stored.subarray(at * rank * bytesOf(dtype));
    return kernels.widenTransposed(dtype, from, length, rank, into, length, times);
  }
}

/** Kernel memory that a reader of such a pool takes, in bytes. */
export function unitReaderBytes(modules: readonly AdapterModule[], slab: number | null): number {
  const { in: inputs, out } = modules[0]!;
  const units = modules.reduce((sum, { rank }) => sum + rank, 0);
  const stored =
    slab === null ? storedBytes(modules) : modules.reduce((sum, module) => sum + slabBytes(module, slab), 0);
  return 4 * units * stripColumns(units, inputs, out) + stored + 32 * (modules.length + 2);
}

/** Bytes of a module's factors as stored, over all adapters. */
export function storedBytes(modules: readonly AdapterModule[]): number {
  return modules.reduce(
    (sum, module) => sum + halfBytes(module, "a", module.in) + halfBytes(module, "b", module.out),
    0,
  );
}

function halfBytes(module: AdapterModule, half: "a" | "b", columns: number): number {
  return module.rank * columns * bytesOf(module[half].dtype);
}

function slabBytes(module: AdapterModule, slab: number): number {
  return Math.max(
    halfBytes(module, "a", Math.min(slab, module.in)),
    halfBytes(module, "b", Math.min(slab, module.out)),
  );
}

/** Columns of a strip over `units` rows. */
export function stripColumns(units: number, inputs: number, out: number): number {
  const blocks = Math.max(1, Math.floor(STRIP_BYTES / (4 * units * BLOCK_COLUMNS)));
  return Math.min(blocks * BLOCK_COLUMNS, Math.max(inputs, out));
}

function notFinite(part: PoolPart, tensor: FactorRef): FormatError {
  return new FormatError(
    `${part.name}: the tensor ${tensor.name} holds NaN or infinite values (or values beyond f32), so it cannot be merged; retrain or repair that adapter, or leave it out.`,
  );
}
