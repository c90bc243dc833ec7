import type { UnitId } from "../adapter/adapter.ts";
import { Pool, poolBytes } from "../adapter/pool.ts";
import { type PoolPart, UnitReader, unitReaderBytes } from "../adapter/unit-reader.ts";
import type { UnitRows } from "../adapter/unit-rows.ts";
import type { ByteSink, ByteSource } from "../core/bytes.ts";
import { bytesOf, isFactorDtype, type OutputDtype } from "../core/dtype.ts";
import { FormatError, RefusedError } from "../core/errors.ts";
import { elementCount } from "../core/shape.ts";
import { orderlessSum } from "../core/sum.ts";
import { type DeltaProducts, deltaProducts, scaleMerged } from "../figures/delta.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { finishModule } from "../methods/finish.ts";
import type { ClusterReport, Method } from "../methods/method.ts";
import { methodById } from "../methods/registry.ts";
import { resolveRank } from "../methods/resolve-rank.ts";
import { Clock, type Timings, timedKernels, timedSource } from "./clock.ts";
import { slabColumns } from "./memory.ts";
import type { MergePlan, PlannedExtra, PlannedModule } from "./merge-plan.ts";

/** Elements of an extra that are held at once. */
const EXTRA_CHUNK = 1 << 16;

/** Half of the least number above zero of each element type: what is no larger rounds to zero. */
const HALF_LEAST: Readonly<Record<OutputDtype, number>> = { F32: 0, F16: 2 ** -25, BF16: 2 ** -134 };

/** What merging one module found out; plain data. */
export interface ModuleResult {
  readonly index: number;
  /** Units of the result, before padding. */
  readonly rank: number;
  readonly dead: readonly UnitId[];
  /** Units of the result whose a or b is too small for the output's element type and was written as zero. */
  readonly underflows: number;
  readonly clusters: readonly ClusterReport[] | null;
  readonly inertia: number | null;
  readonly shareOfB: number | null;
  readonly residual: number | null;
  /** Live units of each input that has any. */
  readonly live: readonly (readonly [input: number, units: number])[];
  readonly products: DeltaProducts;
}

/** Merges modules of a plan, one at a time, in one arena of kernel memory; every thread has its own. */
export class Merger {
  readonly #plan: MergePlan;
  readonly #files: readonly (readonly ByteSource[])[];
  readonly #sink: ByteSink;
  readonly #kernels: Kernels;
  readonly #clock: Clock = new Clock();
  readonly #method: Method;

  /**
   * @param files of each input, as the plan's tensors name them
   * @param sink the output file, the header's place included
   */
  constructor(kernels: Kernels, plan: MergePlan, files: readonly (readonly ByteSource[])[], sink: ByteSink) {
    this.#plan = plan;
    this.#kernels = timedKernels(kernels, this.#clock);
    this.#files = files.map((sources) => sources.map((source) => timedSource(source, this.#clock)));
    this.#sink = sink;
    this.#method = methodById(plan.method);
  }

  get timings(): Timings {
    return this.#clock.timings;
  }

  /**
   * Merge one module and write its factors.
   * @throws FormatError for NaN or infinite values, RefusedError when the result leaves the output's range
   */
  async mergeModule(index: number): Promise<ModuleResult> {
    const module = this.#plan.modules[index]!;
    const { parts, slab } = this.#prepare(module);
    const { target, after, options, inputs } = this.#plan;
    const { weights } = module;
    const decomposed = after !== null || (this.#method.cut === "svd" && target.kind !== "full");
    const precise = decomposed || this.#method.precise(options);
    const reader = new UnitReader(this.#kernels, parts, slab);
    const pool = await Pool.survey(this.#kernels, reader, precise);
    const { merged, rows, products } = await this.#clock.bookRest("cluster", async () => {
      const rank = resolveRank(pool, target, this.#method.cut);
      const merged = await this.#method.merge(pool, {
        rank,
        options,
        inputs: weights.filter((weight) => weight !== 0).length,
        totalWeight: orderlessSum(weights),
        firstInput: inputs.findIndex(({ weight }) => weight !== 0),
      });
      return { merged, ...(await finishModule(pool, merged, rank, after)) };
    });
    const underflows = await this.#write(module, rows);
    const square = (this.#plan.sharedScale ?? 1) ** 2;
    const figures = deltaProducts(pool, products, inputs.length, square);
    const live = new Map<number, number>();
    for (const [input] of pool.ids) live.set(input, (live.get(input) ?? 0) + 1);
    return {
      index,
      rank: rows.count,
      dead: pool.dead,
      underflows,
      clusters: merged.clusters ?? null,
      inertia: merged.inertia === undefined ? null : merged.inertia * square ** ((merged.inertiaPower ?? 1) / 2),
      shareOfB: merged.shareOfB ?? null,
      residual: merged.residual ?? null,
      live: [...live].sort(([one], [other]) => one - other),
      products: scaleMerged(figures, this.#plan.scale),
    };
  }

  #prepare(module: PlannedModule): { parts: PoolPart[]; slab: number | null } {
    const modules = module.parts.map((part) => part.module);
    const units = modules.reduce((sum, { rank }) => sum + rank, 0);
    const slab = slabColumns(modules);
    const encoded = bytesOf(this.#plan.dtype) * module.rank * Math.max(module.in, module.out);
    // Methods that name their scratch count uncut rows among it.
    const { yields, fullRank, scratchBytes } = this.#method;
    const ranks = modules.map(({ rank }) => rank);
    const uncut = yields === "rows" && scratchBytes === undefined ? fullRank(ranks, module) : 0;
    // Methods that have written their rows write them again where a step changes them.
    const rewritten = this.#plan.after !== null ? module.rank : 0;
    this.#kernels.reset(
      unitReaderBytes(modules, slab) +
        poolBytes(units, module.in, module.out, module.rank + uncut + rewritten) +
        module.scratch +
        encoded +
        4 * module.rank * module.out +
        16 * module.rank +
        64 * 16,
    );
    const parts = module.parts.map(({ input, module: part }) => ({
      input,
      name: this.#plan.inputs[input]!.name,
      weight: module.weights[input]!,
      module: part,
      files: this.#files[input]!,
      scale: this.#plan.sharedScale === null ? part.scale : 1,
    }));
    return { parts, slab };
  }

  /** Encode the rows as A (rank, in) and B (out, rank), lambda folded in, zero units behind them up to the planned rank. */
  async #write(module: PlannedModule, rows: UnitRows): Promise<number> {
    const { dtype, scale } = this.#plan;
    const kernels = this.#kernels;
    const padding = module.rank - rows.count;
    const encoded = await this.#clock.bookRest("write", async () => {
      const half = Math.sqrt(Math.abs(scale));
      if (scale !== 1) {
        kernels.scale(rows.a, half);
        kernels.scale(rows.b, scale < 0 ? -half : half);
      }
      this.#refuseOverflow(module, this.#isFinite(module, rows));
      const bytes = kernels.bytes(bytesOf(dtype) * module.rank * Math.max(module.in, module.out));
      const a = bytes.subarray(0, module.a.end - module.a.begin);
      const used = bytesOf(dtype) * rows.count * module.in;
      this.#refuseOverflow(module, kernels.narrow(dtype, rows.a, a.subarray(0, used)));
      a.fill(0, used);
      await this.#sink.write(module.a.begin, a);
      const b = bytes.subarray(0, module.b.end - module.b.begin);
      const padded = padding === 0 ? rows.b : kernels.f32(module.rank * module.out);
      if (padding > 0) {
        padded.set(rows.b);
        padded.fill(0, rows.b.length);
      }
      this.#refuseOverflow(module, kernels.narrowTransposed(dtype, padded, module.rank, module.out, module.out, b));
      return b;
    });
    await this.#clock.bookAsync("write", () => this.#sink.write(module.b.begin, encoded));
    return dtype === "F32" ? 0 : this.#countUnderflows(module, rows);
  }

  /** Whether all values are finite: weights or a scale may have taken them beyond f32. */
  #isFinite(module: PlannedModule, { count, a, b }: UnitRows): boolean {
    const largest = this.#kernels.f64(count);
    return (
      [
        [a, module.in],
        [b, module.out],
      ] as const
    ).every(([rows, columns]) => {
      this.#kernels.maxAbs(rows, count, columns, columns, largest);
      return largest.every(Number.isFinite);
    });
  }

  /** Units of which a half is not zero, but rounds to zero in the output's element type. */
  #countUnderflows(module: PlannedModule, { count, a, b }: UnitRows): number {
    const largest = this.#kernels.f64(count);
    const lost = new Uint8Array(count);
    for (const [rows, columns] of [
      [a, module.in],
      [b, module.out],
    ] as const) {
      this.#kernels.maxAbs(rows, count, columns, columns, largest);
      for (let c = 0; c < count; c++) if (largest[c]! > 0 && largest[c]! <= HALF_LEAST[this.#plan.dtype]) lost[c] = 1;
    }
    return lost.reduce((sum, one) => sum + one, 0);
  }

  #refuseOverflow(module: PlannedModule, finite: boolean): void {
    if (finite) return;
    throw new RefusedError(
      `${module.name} has values that ${this.#plan.dtype.toLowerCase()} cannot hold (they would become infinite); pass ${this.#plan.dtype === "F32" ? "smaller weights or a smaller --scale" : "--dtype f32"}.`,
    );
  }

  /** Copy or average one extra, checking that it is finite. */
  async writeExtra(index: number): Promise<void> {
    const extra = this.#plan.extras[index]!;
    const single = extra.sources.length === 1 ? extra.sources[0]! : null;
    if (single !== null && !isFactorDtype(extra.dtype)) return this.#copyExtra(extra);
    const count = elementCount(extra.shape);
    for (let from = 0; from < count; from += EXTRA_CHUNK) {
      await this.#averageChunk(extra, from, Math.min(EXTRA_CHUNK, count - from));
    }
  }

  async #copyExtra(extra: PlannedExtra): Promise<void> {
    const { input, tensor } = extra.sources[0]!;
    for (let from = tensor.begin; from < tensor.end; from += EXTRA_CHUNK) {
      const bytes = new Uint8Array(Math.min(EXTRA_CHUNK, tensor.end - from));
      await this.#files[input]![tensor.file]!.read(from, bytes);
      await this.#sink.write(extra.begin + from - tensor.begin, bytes);
    }
  }

  async #averageChunk(extra: PlannedExtra, from: number, count: number): Promise<void> {
    this.#kernels.reset(count * (4 * extra.sources.length + 12) + 1024);
    const raw = this.#kernels.bytes(count * 8);
    const values: Float32Array[] = [];
    for (const { input, tensor } of extra.sources) {
      if (!isFactorDtype(tensor.dtype)) throw new Error(`extra ${extra.key} was planned with dtype ${tensor.dtype}`);
      const size = bytesOf(tensor.dtype);
      const bytes = raw.subarray(0, count * size);
      await this.#files[input]![tensor.file]!.read(tensor.begin + from * size, bytes);
      const widened = this.#kernels.f32(count);
      if (!this.#kernels.widen(tensor.dtype, bytes, count, 1, count, widened, count, 1)) {
        throw new FormatError(
          `${this.#plan.inputs[input]!.name}: the tensor ${tensor.name} holds NaN or infinite values, so it cannot be written; pass --extras drop, or repair it.`,
        );
      }
      if (extra.sources.length === 1) return this.#sink.write(extra.begin + from * size, bytes);
      values.push(widened);
    }
    const mean = this.#kernels.f32(count);
    const terms = new Float64Array(values.length);
    for (let i = 0; i < count; i++) {
      for (const [s, { share }] of extra.sources.entries()) terms[s] = share * values[s]![i]!;
      mean[i] = orderlessSum(terms);
    }
    const dtype = extra.dtype === "F16" || extra.dtype === "BF16" ? extra.dtype : "F32";
    const encoded = raw.subarray(0, count * bytesOf(dtype));
    if (!this.#kernels.narrow(dtype, mean, encoded)) {
      throw new RefusedError(
        `The average of ${extra.key} has values that ${dtype.toLowerCase()} cannot hold; choose --extras drop or first.`,
      );
    }
    await this.#sink.write(extra.begin + from * bytesOf(dtype), encoded);
  }
}
