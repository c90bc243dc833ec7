import type { Adapter } from "../adapter/adapter.ts";
import { consumerById } from "../adapter/consumers.ts";
import { evenExperts } from "../adapter/experts.ts";
import { type ByteSink, memorySink } from "../core/bytes.ts";
import { maximum } from "../core/maximum.ts";
import { peftKey } from "../formats/peft-folder/factors.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import { addTimings, noTimings } from "../lanes/clock.ts";
import { type Job, type Lane, localLane, type OnProgress, runJobs } from "../lanes/lane.ts";
import { Merger, type ModuleResult } from "../lanes/merger.ts";
import type { Target } from "../methods/method.ts";
import { methodById } from "../methods/registry.ts";
import { consumerRank, refuseNoPeft } from "../plan/for-consumer.ts";
import type { MergePlan } from "../plan/merge-plan.ts";
import { makePlan } from "../plan/plan.ts";
import { planLayout } from "../plan/plan-layout.ts";
import type { Findings } from "../plan/plan-ranks.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { makeReport } from "../report/make-report.ts";
import type { MergeReport } from "../report/report.ts";

/** Where a merge runs: who provides the output and the lanes. */
export interface MergeHost {
  /** Make a fresh output file of plan.size bytes and lanes that write into it; an earlier output of this merge is void. */
  begin(plan: MergePlan): Promise<{ readonly sink: ByteSink; readonly lanes: readonly Lane[] }>;
  /** Whether lanes can hash the inputs. */
  readonly hashes: boolean;
}

/** Options of a merge that do not change its result. */
export interface MergeControl {
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

/** An executed merge: the plan (which says what the output holds) and the report. */
export interface MergeOutcome {
  readonly plan: MergePlan;
  readonly report: MergeReport;
}

/**
 * Merge adapters by a recipe. Headers give the ranks at first. If values then show fewer live units in every module, the merge
 * runs again at the smaller rank, so that no output is padded without need. It also runs again if an adapter changes nothing
 * and the method's default rank is different without it.
 *
 * @throws what planning and merging throw; AbortError when the signal fires
 */
export async function runMerge(
  adapters: readonly Adapter[],
  recipe: Recipe,
  host: MergeHost,
  { signal, onProgress }: MergeControl = {},
): Promise<MergeOutcome> {
  const hashes = new Map<number, string>();
  let hashed = false;
  const timings = noTimings();
  let plan = makePlan(adapters, recipe);
  for (;;) {
    const { sink, lanes } = await host.begin(plan);
    await writeFixed(plan, sink);
    const jobs: Job[] = [
      ...plan.modules.map((_, index) => ({ kind: "module", index }) as const),
      ...plan.extras.map((_, index) => ({ kind: "extra", index }) as const),
    ];
    const hashJobs: Job[] = host.hashes && !hashed ? adapters.map((_, input) => ({ kind: "hash", input })) : [];
    scatter(hashJobs, jobs);
    hashed = true;
    const results: ModuleResult[] = [];
    for (const done of await runJobs(jobs, lanes, signal, onProgress)) {
      if (done.kind === "module") results.push(done.result);
      if (done.kind === "hash" && done.sha256 !== null) hashes.set(done.input, done.sha256);
    }
    for (const lane of lanes) addTimings(timings, await lane.timings());
    const target = targetOfActing(plan, recipe, results);
    const ranks = target === null ? smallerRanks(plan, results) : null;
    if (target !== null) plan = makePlan(adapters, recipe, { target });
    else if (ranks !== null) plan = makePlan(adapters, recipe, { target: plan.target, ranks });
    else return { plan, report: makeReport(adapters, plan, results, hashes, timings) };
  }
}

/** Spread some jobs evenly among others, so that few lanes hash at the same time and no lane has a long job at the end. */
function scatter(few: readonly Job[], jobs: Job[]): void {
  const step = jobs.length / few.length;
  for (const [i, job] of [...few.entries()].reverse()) jobs.splice(Math.floor(i * step), 0, job);
}

/** Write what is known before merging: the header, and zero factors. */
async function writeFixed(plan: MergePlan, sink: ByteSink): Promise<void> {
  const { header, tensors } = planLayout(plan);
  await sink.write(0, header);
  for (const zero of plan.zeros) {
    for (const factor of ["A", "B"] as const) {
      const { begin, end } = tensors.get(peftKey(zero, factor))!;
      await sink.write(begin, new Uint8Array(end - begin));
    }
  }
}

/** The method's default target without the adapters that change nothing; null if it is the plan's. */
function targetOfActing(plan: MergePlan, { target }: Recipe, results: readonly ModuleResult[]): Target | null {
  const acting = new Set(results.flatMap(({ live }) => live.map(([input]) => input)));
  if (target !== undefined || acting.size === 0) return null;
  const parts = plan.modules.flatMap((module) => module.parts).filter(({ input }) => acting.has(input));
  const own = methodById(plan.method).defaultTarget(maximum(parts.map(({ module }) => module.rank)));
  return JSON.stringify(own) === JSON.stringify(plan.target) ? null : own;
}

/** The ranks that modules came out with, if they make the output smaller. */
function smallerRanks(plan: MergePlan, results: readonly ModuleResult[]): Required<Findings>["ranks"] | null {
  const ranks = new Map(results.map(({ index, rank }) => [plan.modules[index]!.name, Math.max(1, rank)]));
  const consumer = plan.consumer === null ? null : consumerById(plan.consumer);
  const needed = consumerRank(consumer, maximum(ranks.values()));
  const { modules: even } = evenExperts(Array.from(ranks, ([name, rank]) => ({ name, rank })));
  const own = new Map(even.map(({ name, rank }) => [name, rank]));
  const padded =
    plan.rankLayout === "uniform" ? needed < plan.rank : plan.modules.some(({ name, rank }) => own.get(name)! < rank);
  return padded ? ranks : null;
}

/** A merged adapter in memory. */
export interface MergedAdapter extends MergeOutcome {
  /** adapter_config.json as an object, and the bytes of adapter_model.safetensors. */
  readonly config: MergePlan["config"];
  readonly weights: Uint8Array;
}

/**
 * Merge adapters on the caller's thread into the caller's own output.
 *
 * @param create makes the output of adapter_model.safetensors, with `plan.size` bytes; if values show that a smaller rank is
 *   enough, it is called again and the earlier output is void
 * @throws UsageError, RefusedError or FormatError in one sentence each; AbortError when the signal fires
 * @example
 * ```ts
 * import { mergeToSink } from "lora-lego";
 * import { openAdapters } from "lora-lego/node";
 *
 * const opened = await openAdapters(["adapters/reverse", "adapters/sort"]);
 * let bytes = 0;
 * const { plan } = await mergeToSink(opened.map(({ adapter }) => adapter), { method: "svd" }, () => ({
 *   // An upload, or a file of your own: pieces come with their places, in any order.
 *   write: async (_offset, piece) => {
 *     bytes += piece.byteLength;
 *   },
 * }));
 * for (const { close } of opened) close();
 * console.log(bytes === plan.size); // true
 * ```
 */
export async function mergeToSink(
  adapters: readonly Adapter[],
  recipe: Recipe,
  create: (plan: MergePlan) => ByteSink | Promise<ByteSink>,
  control: MergeControl = {},
): Promise<MergeOutcome> {
  refuseNoPeft(recipe);
  const kernels = wasmKernels();
  const files = adapters.map((adapter) => adapter.files);
  const noHash = () => Promise.reject(new Error("nothing is hashed here"));
  const host: MergeHost = {
    hashes: false,
    async begin(plan) {
      const sink = await create(plan);
      return { sink, lanes: [localLane(new Merger(kernels, plan, files, sink), noHash)] };
    },
  };
  return runMerge(adapters, recipe, host, control);
}

/**
 * Merge adapters on the caller's thread into memory; the same bytes as every other way of running the recipe.
 *
 * @example
 * ```ts
 * import { mergeInMemory } from "lora-lego";
 * import { openAdapters } from "lora-lego/node";
 *
 * const opened = await openAdapters(["adapters/reverse", "adapters/sort"]);
 * const { config, weights } = await mergeInMemory(opened.map(({ adapter }) => adapter), { target: { kind: "rank", rank: 6 } });
 * for (const { close } of opened) close();
 * console.log(config.r, weights.byteLength); // 6 78952
 * ```
 */
export async function mergeInMemory(
  adapters: readonly Adapter[],
  recipe: Recipe,
  control: MergeControl = {},
): Promise<MergedAdapter> {
  let output = memorySink(0);
  const create = ({ size }: MergePlan): ByteSink => {
    output = memorySink(size);
    return output;
  };
  const outcome = await mergeToSink(adapters, recipe, create, control);
  return { ...outcome, config: outcome.plan.config, weights: output.bytes };
}
