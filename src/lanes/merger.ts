import type { UnitId } from "../adapter/adapter.ts";
import type { ByteSink, ByteSource } from "../core/bytes.ts";
import { type DeltaProducts, deltaProducts, ownDeltaProducts, setSquare } from "../figures/delta.ts";
import { type ResponseProducts, responseProducts } from "../figures/response.ts";
import { type StartSums, startSums } from "../figures/shared-start.ts";
import { inPassing, sumValues } from "../figures/sum-values.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { deltaWeights } from "../methods/delta-weights.ts";
import { writtenRows } from "../methods/finish.ts";
import { type ClusterReport, type MergedModule, sumOfRanks } from "../methods/method.ts";
import { moduleMemory } from "../methods/module-memory.ts";
import { netUtilities, type ScoredDirections } from "../methods/net-utility.ts";
import { type MethodRun, type ModuleRun, needsPrecision, runModule, runStreamed } from "../methods/run-module.ts";
import { type AdapterUnits, adaptersInOrder } from "../methods/unit-order.ts";
import type { MergePlan, PlannedModule } from "../plan/merge-plan.ts";
import { methodRun } from "../plan/module-run.ts";
import { ExpertColumns } from "../units/expert-columns.ts";
import type { LiveUnits } from "../units/live-units.ts";
import { Pool } from "../units/pool.ts";
import { wholeSquare } from "../units/read-computed.ts";
import { StreamedPool } from "../units/streamed-pool.ts";
import type { PoolPart } from "../units/unit-reader.ts";
import type { UnitRows } from "../units/unit-rows.ts";
import { type LargestEntries, writeFactors } from "../units/write-factors.ts";
import { Clock, timedKernels, timedSource } from "./clock.ts";
import { writeExtra } from "./write-extras.ts";
import { halfScales, outOfRange } from "./write-scaled.ts";

/** The result of merging one module; plain data. */
export interface ModuleResult {
  readonly index: number;
  /** Units of the result, before padding. */
  readonly rank: number;
  readonly dead: readonly UnitId[];
  /** The largest |entry| of each unit's halves, as written. */
  readonly largest: LargestEntries;
  readonly clusters: readonly ClusterReport[] | null;
  readonly inertia: number | null;
  readonly shareOfB: number | null;
  readonly residual: number | null;
  /** Live units of each input that has any. */
  readonly live: readonly (readonly [input: number, units: number])[];
  /** Before lambda, as all figures here. */
  readonly products: DeltaProducts;
  /** How the result answers each adapter; null unless the plan's lambda depends on it. */
  readonly response: ResponseProducts | null;
  /** Singular values of the weighted sum of the inputs, descending; null where that would take long (`inPassing`). */
  readonly sum: readonly number[] | null;
  /** Whether inputs began with the same A; null for a module of more units than have a matrix of all pairs. */
  readonly starts: StartSums | null;
}

/** A merged module before it is written, and its figures. */
interface MergedUnits extends Pick<ModuleResult, "response" | "sum" | "starts"> {
  readonly pool: LiveUnits;
  readonly merged: MergedModule;
  readonly rows: UnitRows;
  readonly figures: DeltaProducts;
}

/** The inputs that have live units in some module. */
export function actingInputs(results: readonly Pick<ModuleResult, "live">[]): Set<number> {
  return new Set(results.flatMap(({ live }) => live.map(([input]) => input)));
}

/** Merges modules of a plan, one at a time, in one arena of kernel memory. Every thread has its own. */
export class Merger {
  readonly #plan: MergePlan;
  readonly #files: readonly (readonly ByteSource[])[];
  readonly #sink: ByteSink;
  readonly #kernels: Kernels;
  /** What its time goes to. */
  readonly clock: Clock;
  readonly #run: MethodRun;
  /** Whether the singular values of the modules' sums are looked at. */
  readonly #sums: boolean;

  /**
   * @param files of each input, in the order that the plan's tensors refer to
   * @param sink the whole output file, header included
   */
  constructor(
    kernels: Kernels,
    plan: MergePlan,
    files: readonly (readonly ByteSource[])[],
    sink: ByteSink,
    clock: Clock = new Clock(),
  ) {
    this.#plan = plan;
    this.clock = clock;
    this.#kernels = timedKernels(kernels, clock);
    this.#files = files.map((sources) => sources.map((source) => timedSource(source, clock)));
    this.#sink = sink;
    this.#run = methodRun(plan);
    this.#sums = inPassing(plan.modules.map(({ parts }) => sumOfRanks(parts.map(({ module }) => module.rank))));
  }

  /**
   * Merge modules one after the other and write their factors.
   *
   * @param indices of one module, or of all experts that share a tensor
   * @throws FormatError for NaN or infinite values, RefusedError when the result leaves the output's range
   */
  async mergeModules(indices: readonly number[]): Promise<ModuleResult[]> {
    const columns = new ExpertColumns(this.#plan.modules[indices[0]!]!, this.#plan.dtype);
    const results: ModuleResult[] = [];
    for (const index of indices) results.push(await this.#mergeModule(index, columns));
    await this.clock.bookRest("write", () => columns.write(this.#sink));
    return results;
  }

  async #mergeModule(index: number, columns: ExpertColumns): Promise<ModuleResult> {
    const module = this.#plan.modules[index]!;
    const run = { ...this.#run, target: module.target };
    const { pool, merged, rows, figures, response, sum, starts } = await (module.memory.streamed
      ? this.#streamed(module, run)
      : this.#pooled(module, run));
    const largest = await this.clock.bookRest("write", () => this.#write(module, rows, columns));
    const square = this.#square;
    await this.#countCut(module, figures);
    const live = new Map<number, number>();
    for (const [input] of pool.ids) live.set(input, (live.get(input) ?? 0) + 1);
    return {
      index,
      rank: rows.count,
      dead: pool.dead,
      largest,
      clusters: merged.clusters ?? null,
      inertia: merged.inertia === undefined ? null : merged.inertia * square ** ((merged.inertiaPower ?? 1) / 2),
      shareOfB: merged.shareOfB ?? null,
      residual: merged.residual ?? null,
      live: [...live],
      products: figures,
      response,
      sum,
      starts,
    };
  }

  async #pooled(module: PlannedModule, run: ModuleRun): Promise<MergedUnits> {
    const pool = await Pool.survey(this.#kernels, this.#partsOf(module), module.memory, needsPrecision(run));
    const { merged, cut, rows } = await this.clock.bookRest("cluster", async () => {
      const result = await runModule(pool, run, module.weights);
      return { ...result, rows: await writtenRows(pool, result.cut) };
    });
    const figures = deltaProducts(pool, cut.products, this.#plan.inputs.length, this.#square);
    const response =
      this.#plan.scale === "auto" ? responseProducts(pool, cut.products, this.#askers(pool, module)) : null;
    const sum = this.#sums ? await this.clock.bookRest("cluster", async () => sumValues(pool)) : null;
    const starts = startSums(pool, this.#plan.inputs.length);
    return { pool, merged, rows, figures, response, sum, starts };
  }

  /** A module of more units than have a matrix of all pairs. */
  async #streamed(module: PlannedModule, run: ModuleRun): Promise<MergedUnits> {
    const pool = await StreamedPool.survey(this.#kernels, this.#partsOf(module), module.memory);
    const { merged, cut } = await this.clock.bookRest("cluster", () => runStreamed(pool, run, module.weights));
    const own = new Map(adaptersInOrder(pool).map(({ input, units }) => [input, pool.ownGrams(units)]));
    const figures = ownDeltaProducts(pool, own, cut.products, this.#plan.inputs.length, this.#square);
    return { pool, merged, rows: cut.rows!, figures, response: null, sum: null, starts: null };
  }

  /** The factor from products of a pool, which leaves out a shared scale, to those of deltas. */
  get #square(): number {
    return (this.#plan.sharedScale ?? 1) ** 2;
  }

  /**
   * The net utilities of a module's directions, from its Gram matrices; nothing is written.
   * @throws FormatError for NaN or infinite values
   */
  async surveyModule(index: number): Promise<ScoredDirections> {
    const module = this.#plan.modules[index]!;
    const memory = moduleMemory(
      module.parts.map((part) => part.module),
      [],
      0,
    );
    const pool = await Pool.survey(this.#kernels, this.#partsOf(module), memory, true);
    return this.clock.bookRest("cluster", async () => netUtilities(pool));
  }

  /** Write one extra. @throws as `writeExtra` */
  writeExtra(index: number): Promise<void> {
    const inputs = { names: this.#plan.inputs, files: this.#files };
    const { extras, scale } = this.#plan;
    if (scale === "auto") throw new Error("an extra was to be written before lambda was known");
    return writeExtra(this.#kernels, inputs, extras[index]!, scale, this.#sink);
  }

  #partsOf({ parts, weights }: PlannedModule): PoolPart[] {
    return parts.map(({ input, module }) => ({
      input,
      name: this.#plan.inputs[input]!.name,
      weight: weights[input]!,
      module,
      files: this.#files[input]!,
      scale: this.#plan.sharedScale === null ? module.scale : 1,
    }));
  }

  /** Count what was cut from a delta as it was read: it is orthogonal to all that was kept. */
  async #countCut({ parts }: PlannedModule, products: DeltaProducts): Promise<void> {
    for (const { input, module } of parts) {
      const square = await wholeSquare(this.#files[input]!, module);
      if (square !== null) setSquare(products, input, square);
    }
  }

  /** The adapters of a module with the weights that their deltas have in the result. */
  #askers(pool: Pool, module: PlannedModule): AdapterUnits[] {
    const share = deltaWeights(this.#run.method, module.weights);
    return adaptersInOrder(pool).map((adapter) => ({ ...adapter, weight: share[adapter.input]! }));
  }

  /** Write rows as a module's factors, lambda folded in if it is known. */
  async #write(module: PlannedModule, rows: UnitRows, columns: ExpertColumns): Promise<LargestEntries> {
    // More than was planned for: the merge is planned and carried out again.
    if (rows.count > module.rank) return { a: new Float64Array(0), b: new Float64Array(0) };
    const { dtype, scale } = this.#plan;
    const { a, b } = halfScales(scale === "auto" ? 1 : scale);
    // Most merges have the factor 1, and these rows are all of the output.
    if (a !== 1) this.#kernels.scale(rows.a, a);
    if (b !== 1) this.#kernels.scale(rows.b, b);
    const sinkOfB = module.expert === null ? this.#sink : columns.sinkOf(module.expert);
    const largest = await writeFactors(this.#kernels, rows, { ...module, dtype }, this.#sink, sinkOfB);
    if (largest === null) throw outOfRange(module.name, dtype);
    return largest;
  }
}
