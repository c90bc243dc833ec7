import type { Adapter } from "../adapter/adapter.ts";
import { type ByteSink, type ByteSource, memorySink, memorySource } from "../core/bytes.ts";
import { autoScale } from "../figures/auto-scale.ts";
import { addProducts, type DeltaProducts, noProducts, weightProducts } from "../figures/delta.ts";
import { addResponses, NO_RESPONSE, type ResponseProducts } from "../figures/response.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import { addTimings, noTimings } from "../lanes/clock.ts";
import { type Job, type JobResult, type Lane, localLane, type OnProgress, runJobs } from "../lanes/lane.ts";
import { Merger, type ModuleResult } from "../lanes/merger.ts";
import type { Profile } from "../lanes/profile.ts";
import { type Draft, writeScaled } from "../lanes/write-scaled.ts";
import { deltaWeights } from "../methods/delta-weights.ts";
import { methodById } from "../methods/registry.ts";
import { refuseNoPeft } from "../plan/for-consumer.ts";
import { isScaled, type MergePlan, type ScaledPlan } from "../plan/merge-plan.ts";
import { planLayout, zeroRanges } from "../plan/plan-layout.ts";
import { type PlanOrigin, planFrom } from "../plan/plan-origin.ts";
import type { Findings } from "../plan/plan-ranks.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { makeReport } from "../report/make-report.ts";
import type { MergeReport } from "../report/report.ts";
import { betterFindings, chosenFor } from "./better-findings.ts";
import { extraJobs, moduleJobs, scatter, surveyJobs } from "./jobs.ts";

/** An output in progress: its bytes, and the lanes that write modules into it. */
export interface OutputInProgress {
  readonly sink: ByteSink;
  readonly lanes: readonly Lane[];
}

/** Where a merge runs: who provides the output and the lanes. Each plan comes with its origin, for lanes on other machines. */
export interface MergeHost {
  /** Lanes that only read, to look at modules before the output is planned. */
  survey(plan: MergePlan, origin: PlanOrigin): Promise<readonly Lane[]>;
  /** Make a fresh output file of plan.size bytes and lanes that write into it; an earlier output of this merge is void. */
  begin(plan: MergePlan, origin: PlanOrigin): Promise<OutputInProgress>;
  /**
   * Make a temporary file of draft.size bytes, readable once its lanes are done, and lanes that write into it. An earlier draft is void.
   *
   * @param draft the plan of a merge whose factor follows from the merged modules
   * @param output the plan of the output that will be made of it
   * @param origin the draft's
   */
  beginDraft(
    draft: MergePlan,
    output: MergePlan,
    origin: PlanOrigin,
  ): Promise<OutputInProgress & { readonly source: ByteSource }>;
  /** Kernels for the caller's thread. */
  readonly kernels: Kernels;
  /** Whether lanes can hash the inputs. */
  readonly hashes: boolean;
}

/** Options of a merge that do not change its result. */
export interface MergeControl {
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

/** The same, and where a profile is made. */
export interface ProfiledControl extends MergeControl {
  readonly profile?: Profile;
}

/** An executed merge: the plan (which says what the output holds) and the report. */
export interface MergeOutcome {
  readonly plan: ScaledPlan;
  readonly report: MergeReport;
}

/**
 * Merge adapters by a recipe. Headers give the ranks at first. If values then show fewer live units in every module, the merge
 * runs again at the smaller rank, so that no output is padded without need. It also runs again if an adapter changes nothing
 * and the method's default rank is different without it. A budget is shared out after a survey of all modules. If the factor
 * follows from the merged modules, they are written to a draft in f32 first, and from there into the output.
 *
 * @throws what planning and merging throw; AbortError when the signal fires
 */
export async function runMerge(
  adapters: readonly Adapter[],
  recipe: Recipe,
  host: MergeHost,
  { signal, onProgress, profile }: ProfiledControl = {},
): Promise<MergeOutcome> {
  const hashes = new Map<number, string | null>();
  let hashed = false;
  const timings = noTimings();
  /** Run jobs in lanes. */
  const run = async (jobs: readonly Job[], lanes: readonly Lane[]): Promise<JobResult[]> => {
    const withHashes = [...jobs];
    const hashJobs: Job[] = host.hashes && !hashed ? adapters.map((_, input) => ({ kind: "hash", input })) : [];
    scatter(hashJobs, withHashes);
    hashed = true;
    const results = await runJobs(withHashes, lanes, signal, onProgress);
    for (const done of results) {
      if (done.kind === "hash") hashes.set(done.input, done.sha256);
    }
    for (const [number, lane] of lanes.entries()) {
      addTimings(timings, await lane.timings());
      profile?.add(number, (await lane.spans?.()) ?? []);
    }
    profile?.mark("merge");
    return results;
  };
  let findings: Findings = {};
  for (;;) {
    const origin = { recipe, findings, scale: null };
    const plan = planFrom(adapters, origin);
    profile?.mark("plan");
    if (plan.target.kind === "budget" && findings.directions === undefined) {
      findings = { ...findings, directions: await surveyModules(plan, await host.survey(plan, origin), run) };
      continue;
    }
    if (isScaled(plan)) {
      const results = await writeAll(plan, await host.begin(plan, origin), run);
      const better = betterFindings(plan, recipe, results);
      if (better === null) {
        const done = { ...plan, chosen: chosenFor(plan, results) };
        return { plan: done, report: makeReport(adapters, done, results, hashes, timings, null) };
      }
      findings = { ...findings, ...better };
      continue;
    }
    const { draft, results } = await draftModules(adapters, origin, plan, host, run);
    const better = betterFindings(plan, recipe, results);
    if (better !== null) {
      findings = { ...findings, ...better };
      continue;
    }
    const auto = autoScale(
      ...productsOf(plan, results),
      plan.modules.some(({ parts }) => parts.length > 1),
    );
    const scaled = { ...plan, scale: auto.factor, chosen: chosenFor(plan, results) };
    const { sink, lanes } = await host.begin(scaled, { ...origin, scale: auto.factor });
    await writeFixed(scaled, sink);
    await run(extraJobs(scaled), lanes);
    await writeScaled(host.kernels, draft, scaled, sink, signal);
    return { plan: scaled, report: makeReport(adapters, scaled, results, hashes, timings, auto) };
  }
}

/** Runs jobs in lanes. */
type RunJobs = (jobs: readonly Job[], lanes: readonly Lane[]) => Promise<JobResult[]>;

async function writeAll(plan: MergePlan, { sink, lanes }: OutputInProgress, run: RunJobs): Promise<ModuleResult[]> {
  await writeFixed(plan, sink);
  return moduleResults(await run([...moduleJobs(plan), ...extraJobs(plan)], lanes));
}

/** The results of merged modules among those of jobs, in the modules' order. */
function moduleResults(done: readonly JobResult[]): ModuleResult[] {
  return done
    .flatMap((one) => (one.kind === "modules" ? one.results : []))
    .sort((one, other) => one.index - other.index);
}

/** Look at every module, to share out a budget. */
async function surveyModules(
  plan: MergePlan,
  lanes: readonly Lane[],
  run: RunJobs,
): Promise<Required<Findings>["directions"]> {
  const done = await run(surveyJobs(plan), lanes);
  return new Map(
    done.flatMap((one) => (one.kind === "survey" ? [[plan.modules[one.index]!.name, one.directions] as const] : [])),
  );
}

/** Merge the modules alone, in f32 and without a factor. */
async function draftModules(
  adapters: readonly Adapter[],
  { recipe, findings, scale }: PlanOrigin,
  output: MergePlan,
  host: MergeHost,
  run: RunJobs,
): Promise<{ readonly draft: Draft; readonly results: ModuleResult[] }> {
  const origin: PlanOrigin = { recipe: { ...recipe, dtype: "f32", extras: "drop" }, findings, scale };
  const plan = planFrom(adapters, origin);
  const { source, lanes } = await host.beginDraft(plan, output, origin);
  return { draft: { plan, source }, results: moduleResults(await run(moduleJobs(plan), lanes)) };
}

/** Write what is known before merging: the header, and zero factors. */
async function writeFixed(plan: MergePlan, sink: ByteSink): Promise<void> {
  await sink.write(0, planLayout(plan).header);
  for (const { begin, end } of zeroRanges(plan)) await sink.write(begin, new Uint8Array(end - begin));
}

/** The products of the adapters' deltas, with the weights that they have in the result, and the responses, over all modules. */
function productsOf(plan: MergePlan, results: readonly ModuleResult[]): [DeltaProducts, ResponseProducts] {
  const method = methodById(plan.method);
  const weighted = results.map(({ index, products }) =>
    weightProducts(products, deltaWeights(method, plan.modules[index]!.weights)),
  );
  return [
    weighted.reduce(addProducts, noProducts(plan.inputs.length)),
    results.reduce((sum, { response }) => addResponses(sum, response!), NO_RESPONSE),
  ];
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
  const lanesInto = (plan: MergePlan, sink: ByteSink) => [localLane(new Merger(kernels, plan, files, sink), noHash)];
  const host: MergeHost = {
    hashes: false,
    kernels,
    survey: async (plan) => lanesInto(plan, memorySink(0)),
    async begin(plan) {
      const sink = await create(plan);
      return { sink, lanes: lanesInto(plan, sink) };
    },
    async beginDraft(draft) {
      const sink = memorySink(draft.size);
      return { sink, source: memorySource("the draft", sink.bytes), lanes: lanesInto(draft, sink) };
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
