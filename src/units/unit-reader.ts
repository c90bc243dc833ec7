import type { AdapterModule, FactorRef, UnitId } from "../adapter/adapter.ts";
import { MATRIX_KINDS, refuseKinds } from "../adapter/kinds.ts";
import { notFinite } from "../adapter/tensor-values.ts";
import type { ByteSource } from "../core/bytes.ts";
import type { FormatError } from "../core/errors.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { slabBytes, stripColumns } from "./memory.ts";
import { entriesBytes, StoredEntries } from "./stored-entries.ts";

/** One adapter's part of a module's pool. */
export interface PoolPart {
  /** Index of the adapter among the inputs, and its name for messages. */
  readonly input: number;
  readonly name: string;
  readonly weight: number;
  readonly module: AdapterModule;
  readonly files: readonly ByteSource[];
  /** The scale to fold into the units: the module's, or 1 if one scale serves the whole output file. */
  readonly scale: number;
}

/** Some columns of all rows of one half in kernel memory: row i starts at rows[i * length] and holds columns offset .. offset + length. */
export type UseRows = (rows: Float32Array, length: number, offset: number) => void;

/**
 * Reads the units of one module from all its adapters, with sqrt|s| folded into both halves and the sign of s into b. The stored
 * bytes stay in kernel memory, or each visit reads them again slab by slab. Either way, each visit widens them again strip by
 * strip, which costs less than moving f32 rows to and from main memory.
 */
export class UnitReader {
  readonly in: number;
  readonly out: number;
  readonly ids: readonly UnitId[];
  readonly weights: Float64Array;
  /** The scale folded into each unit. */
  readonly scales: Float64Array;
  /** The most columns in one strip. */
  readonly columns: number;
  readonly #kernels: Kernels;
  readonly #parts: readonly PoolPart[];
  readonly #slab: number | null;
  readonly #strip: Float32Array;
  readonly #kept: { a?: readonly StoredEntries[]; b?: readonly StoredEntries[] } = {};
  #staging: readonly Uint8Array[] | null = null;

  /**
   * @param parts at least one; all of one shape
   * @param slab columns whose bytes are read at once, or null to keep all bytes; the arena must have the size from `poolMemory`
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
    this.#slab = slab;
    this.#strip = kernels.f32(this.ids.length * this.columns);
  }

  /**
   * Pass all rows of one half to `use`, strip by strip in ascending columns.
   *
   * @param folded false for stored rows, without their scales
   */
  async visit(half: "a" | "b", use: UseRows, folded = true): Promise<void> {
    const columns = half === "a" ? this.in : this.out;
    const slab = this.#slab ?? columns;
    for (let from = 0; from < columns; from += slab) {
      const size = Math.min(slab, columns - from);
      const stored = await this.#fetch(half, from, size);
      for (let at = 0; at < size; at += this.columns) {
        const length = Math.min(this.columns, size - at);
        this.#widen(stored, half, at, length, folded);
        use(this.#strip, length, from + at);
      }
    }
  }

  /** `size` columns of all units of each part. */
  async #fetch(half: "a" | "b", from: number, size: number): Promise<readonly StoredEntries[]> {
    const kept = this.#kept[half];
    if (kept !== undefined) return kept;
    const stored: StoredEntries[] = [];
    for (const [p, { module, files }] of this.#parts.entries()) {
      const factor = module[half];
      const room = this.#slab === null ? this.#kernels.bytes(entriesBytes(factor, size)) : this.#stage(this.#slab)[p]!;
      stored.push(await StoredEntries.read(files, factor, from, size, room));
    }
    if (this.#slab === null) this.#kept[half] = stored;
    return stored;
  }

  #stage(slab: number): readonly Uint8Array[] {
    this.#staging ??= this.#parts.map(({ module }) => this.#kernels.bytes(slabBytes(module, slab)));
    return this.#staging;
  }

  /** Widen columns at .. at + length of the stored entries into the strip. */
  #widen(stored: readonly StoredEntries[], half: "a" | "b", at: number, length: number, folded: boolean): void {
    let row = 0;
    for (const [p, part] of this.#parts.entries()) {
      const { rank } = part.module;
      const scale = folded ? part.scale : 1;
      const into = this.#strip.subarray(row * length, (row + rank) * length);
      const root = Math.sqrt(Math.abs(scale));
      const times = half === "b" && scale < 0 ? -root : root;
      if (!stored[p]!.widen(this.#kernels, at, length, into, times)) throw unmergeable(part.name, part.module[half]);
      row += rank;
    }
  }
}

/** The error of factors that cannot be merged. @param name of the adapter */
export function unmergeable(name: string, tensor: FactorRef): FormatError {
  return notFinite(name, tensor, "merged", "retrain or repair that adapter, or leave it out");
}
