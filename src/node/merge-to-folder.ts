import { availableParallelism } from "node:os";
import type { ByteSource, MemorySource } from "../core/bytes.ts";
import { maximum } from "../core/maximum.ts";
import { WEIGHTS_FILE } from "../formats/peft-folder/files.ts";
import type { RemoteSource } from "../hub/url-source.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import { affordableThreads } from "../merge/affordable-threads.ts";
import { type MergeControl, type MergeHost, type MergeOutcome, runMerge } from "../merge/merge.ts";
import type { MergePlan } from "../merge/merge-plan.ts";
import type { Recipe } from "../merge/recipe.ts";
import type { RecipeStep } from "../merge/recipe-file.ts";
import { carriedOut } from "../merge/recipe-text.ts";
import { type DiskAdapter, inputPaths, localPaths, type OpenOptions, openAdapters } from "./adapter-path.ts";
import { type DiskMerger, openDiskMerger } from "./disk-merger.ts";
import { createFile, openSink } from "./file-sink.ts";
import type { FileSource } from "./file-source.ts";
import { OutputFolder } from "./output-folder.ts";
import { openReport, type ReportPlace } from "./report-file.ts";
import { workerLane } from "./worker-lane.ts";
import type { InputFile } from "./worker-protocol.ts";
import { writeCompanions } from "./write-companions.ts";

/** Inputs below this many bytes are merged faster on one thread than it takes to start a second. */
const BYTES_WORTH_A_THREAD = 24e6;

/** How to write a merge to disk. */
export interface FolderOptions extends MergeControl, OpenOptions {
  /** The folder to write. */
  readonly out: string;
  /** Replace a folder that lora-lego wrote. Default false. */
  readonly force?: boolean;
  /** Threads, the caller's own among them. Default: the machine's cores, one for small inputs. */
  readonly threads?: number;
  /** Also write the report as JSON, to this file. */
  readonly report?: string;
  /** Told in one sentence what was put right after a run that was cut off. */
  readonly onNotice?: (text: string) => void;
}

/**
 * Merge the adapters at these paths into a folder: adapter_config.json, adapter_model.safetensors, README.md and recipe.yaml.
 * The folder appears complete or not at all, whatever happens.
 *
 * @throws OutputError when the folder cannot be written, and what opening and merging throw
 */
export async function mergeToFolder(
  paths: readonly string[],
  recipe: Recipe,
  options: FolderOptions,
): Promise<MergeOutcome> {
  const opened = await openAdapters(paths, options);
  let output: OutputFolder | null = null;
  try {
    const inputs = inputPaths(paths, opened);
    const { out, force = false, report, onNotice = () => {} } = options;
    output = OutputFolder.create(out, inputs, force, onNotice);
    const place = report === undefined ? null : openReport(report, output, { inputs, force, tell: onNotice });
    const adapters = localPaths(paths).map((path) => ({ path }));
    const outcome = await mergeInto(output, opened, place, recipe, options, (plan) => [
      { name: null, adapters, recipe: carriedOut(recipe, plan) },
    ]);
    output.commit();
    return outcome;
  } catch (error) {
    output?.discard();
    throw error;
  } finally {
    for (const adapter of opened) adapter.close();
  }
}

/**
 * Merge open adapters into a folder that is begun, and leave it to the caller to commit or discard it.
 *
 * @param place where the report goes
 * @param stepsOf what recipe.yaml says, once the plan that was carried out is known
 */
export async function mergeInto(
  output: OutputFolder,
  opened: readonly DiskAdapter[],
  place: ReportPlace | null,
  recipe: Recipe,
  options: Pick<FolderOptions, "threads" | "signal" | "onProgress">,
  stepsOf: (plan: MergePlan) => readonly RecipeStep[],
): Promise<MergeOutcome> {
  const closers: (() => void | Promise<void>)[] = [];
  try {
    const host = diskHost(output, opened, options.threads, closers);
    const outcome = await runMerge(
      opened.map(({ adapter }) => adapter),
      recipe,
      host,
      options,
    );
    options.signal?.throwIfAborted();
    return writeCompanions(output, opened, outcome, stepsOf(outcome.plan), place);
  } finally {
    await closeAll(closers);
  }
}

/** Close each once, all of them even where one fails. */
async function closeAll(closers: (() => void | Promise<void>)[]): Promise<void> {
  await Promise.allSettled(closers.splice(0).map(async (close) => close()));
}

/** A file as a worker opens it again. */
function inputFile(source: ByteSource): InputFile {
  if ("remote" in source) {
    const { remote, access } = source as RemoteSource;
    return { remote, endpoint: access.endpoint, token: access.token };
  }
  if ("bytes" in source) return { name: source.name, bytes: (source as MemorySource).bytes };
  return (source as FileSource).path;
}

/** Lanes on this thread and, where the inputs are large enough, on worker threads beside it. */
function diskHost(
  output: OutputFolder,
  opened: readonly DiskAdapter[],
  threads: number | undefined,
  closers: (() => void | Promise<void>)[],
): MergeHost {
  const inputs = opened.map(({ adapter }) => adapter.files.map(inputFile));
  const bytes = opened.flatMap(({ adapter }) => adapter.files).reduce((sum, { size }) => sum + size, 0);
  const jobs = maximum(opened.map(({ adapter }) => adapter.modules.size)) + opened.length;
  const most = threads ?? Math.min(availableParallelism(), Math.ceil(bytes / BYTES_WORTH_A_THREAD));
  const wanted = Math.max(1, Math.min(most, jobs));
  // A worker takes about as long to start as a plan takes to make.
  const workers = Array.from({ length: wanted - 1 }, () => workerLane());
  let local: DiskMerger | null = null;
  closers.push(async () => {
    local?.close();
    await Promise.all(workers.map((worker) => worker.close()));
  });
  return {
    hashes: true,
    async begin(plan: MergePlan) {
      output.checkSpace(plan.size);
      const weights = output.path(WEIGHTS_FILE);
      createFile(weights, plan.size);
      const sink = openSink(weights);
      closers.push(() => sink.close());
      local?.close();
      local = openDiskMerger(wasmKernels(), plan, inputs, weights);
      const helpers = workers.slice(0, affordableThreads(wanted, plan.modules) - 1);
      for (const worker of helpers) worker.begin(plan, { inputs, output: weights });
      return { sink, lanes: [local.lane, ...helpers] };
    },
  };
}
