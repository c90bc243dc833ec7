import type { ByteSource } from "../core/bytes.ts";
import { bytesOf } from "../core/dtype.ts";
import { FormatError } from "../core/errors.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { AdapterModule, TensorRef, UnitId } from "./adapter.ts";

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

/** Rows of one half in kernel memory: row i starts at rows[i * stride] and holds columns offset .. offset + length. */
export type UseRows = (rows: Float32Array, stride: number, length: number, offset: number) => void;

/**
 * Reads the units of one module from all its adapters, sqrt|s| folded into both halves and the sign of s into b.
 * Either the pool stays in kernel memory, or each visit reads it again in slabs of columns.
 */
export class UnitReader {
  readonly in: number;
  readonly out: number;
  readonly ids: readonly UnitId[];
  readonly weights: Float64Array;
  readonly #kernels: Kernels;
  readonly #parts: readonly PoolPart[];
  readonly #slab: number | null;
  readonly #staging: Uint8Array;
  readonly #kept: { a?: Float32Array; b?: Float32Array } = {};
  #window: Float32Array | null = null;

  /**
   * @param parts at least one; all of one shape
   * @param slab columns read at once, or null to keep the whole pool; the arena must have `unitReaderBytes` free
   */
  constructor(kernels: Kernels, parts: readonly PoolPart[], slab: number | null) {
    const { in: inputs, out } = parts[0]!.module;
    this.in = inputs;
    this.out = out;
    this.ids = parts.flatMap(({ input, module }) => Array.from({ length: module.rank }, (_, i) => [input, i] as const));
    this.weights = Float64Array.from(parts.flatMap(({ weight, module }) => Array<number>(module.rank).fill(weight)));
    this.#kernels = kernels;
    this.#parts = parts;
    this.#slab = slab;
    this.#staging = kernels.bytes(
      stagingBytes(
        parts.map(({ module }) => module),
        slab,
      ),
    );
  }

  /** Hand all rows of one half to `use`: at once, or slab by slab in ascending columns. */
  async visit(half: "a" | "b", use: UseRows): Promise<void> {
    const columns = half === "a" ? this.in : this.out;
    const count = this.ids.length;
    if (this.#slab === null) {
      let rows = this.#kept[half];
      if (rows === undefined) {
        rows = this.#kernels.f32(count * columns);
        await this.#read(half, rows, columns, 0, columns);
        this.#kept[half] = rows;
      }
      use(rows, columns, columns, 0);
      return;
    }
    this.#window ??= this.#kernels.f32(count * Math.min(this.#slab, Math.max(this.in, this.out)));
    for (let offset = 0; offset < columns; offset += this.#slab) {
      const length = Math.min(this.#slab, columns - offset);
      await this.#read(half, this.#window, length, offset, length);
      use(this.#window, length, length, offset);
    }
  }

  async #read(half: "a" | "b", rows: Float32Array, stride: number, offset: number, length: number): Promise<void> {
    let row = 0;
    for (const part of this.#parts) {
      const into = rows.subarray(row * stride, (row + part.module.rank) * stride);
      const factor = Math.sqrt(Math.abs(part.scale));
      const finite =
        half === "a"
          ? await this.#readA(part, into, stride, offset, length, factor)
          : await this.#readB(part, into, stride, offset, length, part.scale < 0 ? -factor : factor);
      if (!finite) throw notFinite(part, part.module[half]);
      row += part.module.rank;
    }
  }

  /** A (rank, in): its rows are the units' a-halves. */
  async #readA(part: PoolPart, into: Float32Array, stride: number, offset: number, length: number, factor: number) {
    const { a, rank, in: inputs } = part.module;
    const size = bytesOf(a.dtype);
    if (length === inputs) {
      const raw = await this.#fetch(part, a, 0, rank * inputs * size);
      return this.#kernels.widen(a.dtype, raw, into, factor);
    }
    let finite = true;
    for (let i = 0; i < rank; i++) {
      const raw = await this.#fetch(part, a, (i * inputs + offset) * size, length * size);
      finite = this.#kernels.widen(a.dtype, raw, into.subarray(i * stride, i * stride + length), factor) && finite;
    }
    return finite;
  }

  /** B (out, rank): its columns are the units' b-halves. */
  async #readB(part: PoolPart, into: Float32Array, stride: number, offset: number, length: number, factor: number) {
    const { b, rank } = part.module;
    const size = bytesOf(b.dtype) * rank;
    const raw = await this.#fetch(part, b, offset * size, length * size);
    return this.#kernels.widenTransposed(b.dtype, raw, length, rank, into, stride, factor);
  }

  async #fetch(part: PoolPart, tensor: TensorRef, offset: number, length: number): Promise<Uint8Array> {
    const raw = this.#staging.subarray(0, length);
    await part.files[tensor.file]!.read(tensor.begin + offset, raw);
    return raw;
  }
}

/** Kernel memory that a reader of such a pool takes, in bytes. */
export function unitReaderBytes(modules: readonly AdapterModule[], slab: number | null): number {
  const { in: inputs, out } = modules[0]!;
  const units = modules.reduce((sum, { rank }) => sum + rank, 0);
  const columns = slab === null ? inputs + out : Math.min(slab, Math.max(inputs, out));
  return 4 * units * columns + stagingBytes(modules, slab) + 64;
}

function stagingBytes(modules: readonly AdapterModule[], slab: number | null): number {
  return Math.max(
    ...modules.map(({ a, b, in: inputs, out, rank }) =>
      Math.max(
        bytesOf(a.dtype) * (slab === null || slab >= inputs ? rank * inputs : slab),
        bytesOf(b.dtype) * rank * Math.min(slab ?? out, out),
      ),
    ),
  );
}

function notFinite(part: PoolPart, tensor: TensorRef): FormatError {
  return new FormatError(
    `${part.name}: the tensor ${tensor.name} holds NaN or infinite values (or values beyond f32), so it cannot be merged; retrain or repair that adapter, or leave it out.`,
  );
}
