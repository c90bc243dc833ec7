import { availableParallelism } from "node:os";
import type { Adapter } from "../adapter/adapter.ts";
import type { AdapterText } from "../adapter/dialect.ts";
import type { Conversion } from "../convert/conversion.ts";
import type { Writer } from "../convert/convert.ts";
import { writeConversion } from "../convert/write-conversion.ts";
import type { ByteSource, MemorySource } from "../core/bytes.ts";
import { maximum } from "../core/maximum.ts";
import { WEIGHTS_FILE } from "../formats/peft-folder/files.ts";
import type { RemoteSource } from "../hub/url-source.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import { affordableThreads } from "../lanes/affordable-threads.ts";
import { folderFiles, type MergedFormat, peftFolder, reportText } from "../merge/folder-files.ts";
import { type MergeControl, type MergeHost, type MergeOutcome, runMerge } from "../merge/merge.ts";
import { DEFAULT_METHOD } from "../methods/method.ts";
import { moduleOf } from "../methods/registry.ts";
import { type MergePlan, usedInputs } from "../plan/merge-plan.ts";
import { plannedAdapter } from "../plan/planned-adapter.ts";
import { refuseGgufInputs } from "../plan/refuse-gguf-inputs.ts";
import type { Recipe } from "../recipe/recipe.ts";
import type { RecipeStep } from "../recipe/recipe-file.ts";
import type { DiskAdapter } from "./input/adapter-path.ts";
import { type FileSource, openFile } from "./input/file-source.ts";
import { folderReader } from "./input/folder-reader.ts";
import { createFile, fillFile, openSink } from "./output/file-sink.ts";
import { OutputFolder } from "./output/output-folder.ts";
import type { Output } from "./output/output-place.ts";
import type { ReportPlace } from "./output/report-file.ts";
import { type DiskMerger, openDiskMerger } from "./threads/disk-merger.ts";
import { workerLane } from "./threads/worker-lane.ts";
import type { InputFile } from "./threads/worker-protocol.ts";

/** Inputs below this many bytes merge on one thread in less time than starting a second one takes. */
const BYTES_WORTH_A_THREAD = 24e6;

/** A merge to carry out, and where and how to write its result. */
export interface MergeJob {
  readonly opened: readonly DiskAdapter[];
  readonly recipe: Recipe;
  /** Writes the result; null for a PEFT folder, which a merge writes by itself. */
  readonly writer: Writer | null;
  readonly baseConfig: AdapterText | null;
  /** Where the report goes. */
  readonly place: ReportPlace | null;
  /** The steps for recipe.yaml, once the final plan is known. */
  stepsOf(plan: MergePlan): readonly RecipeStep[];
}

/** How a merge runs on a machine. */
export interface MachineControl extends MergeControl {
  /**
   * Threads, including the caller's own. Default: all cores, or one for small inputs. Always one for a method registered without its
   * module.
   */
  readonly threads?: number;
}

/**
 * Merge open adapters into an output in progress; the caller commits or discards it. A PEFT folder is written directly; other formats are
 * converted from a temporary PEFT adapter next to the output.
 */
export async function mergeInto(output: Output, job: MergeJob, control: MachineControl): Promise<MergeOutcome> {
  const { opened, writer, baseConfig } = job;
  const adapters = opened.map(({ adapter }) => adapter);
  if (writer === null) {
    const room = async (plan: MergePlan): Promise<number> => {
      refuseGgufInputs(plan, adapters);
      return plan.size;
    };
    const outcome = await mergeOnDisk(output, output.weights(WEIGHTS_FILE), room, job, control);
    return writeBeside(output, job, outcome, peftFolder(outcome.plan, baseConfig !== null));
  }
  const converted = async (plan: MergePlan): Promise<{ adapter: Adapter; conversion: Conversion }> => {
    const adapter = await plannedAdapter("the result", plan, adapters);
    return { adapter, conversion: writer.convert(adapter, baseConfig) };
  };
  const room = async (plan: MergePlan): Promise<number> => plan.size + (await converted(plan)).conversion.layout.size;
  const merged = output.scratch(WEIGHTS_FILE);
  const outcome = await mergeOnDisk(output, merged, room, job, control);
  const { adapter, conversion } = await converted(outcome.plan);
  const source = openFile(merged, "the result");
  try {
    await writeWeights({ ...adapter, files: [source] }, conversion, output, control.signal);
  } finally {
    source.close();
  }
  return writeBeside(output, job, asWritten(outcome, conversion), {
    id: writer.id,
    ...conversion,
    based: baseConfig !== null,
  });
}

/** Write the tensors of a conversion into an output. */
export function writeWeights(
  adapter: Adapter,
  conversion: Conversion,
  output: Output,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { layout, weightsFile } = conversion;
  return fillFile(output.weights(weightsFile), layout.size, (sink) =>
    writeConversion(adapter, conversion, sink, signal),
  );
}

/** A merge whose report gives size and element types after conversion. */
function asWritten({ plan, report }: MergeOutcome, { tensors, layout }: Conversion): MergeOutcome {
  const factors = tensors.filter(({ content }) => content.kind === "factor" || content.kind === "stack");
  const dtype = [...new Set(factors.map((tensor) => tensor.dtype.toLowerCase()))].join(", ");
  return { plan, report: { ...report, totals: { ...report.totals, dtype, bytes: layout.size } } };
}

/** Write the folder's other files and the report. @returns the outcome completed with what these files showed */
async function writeBeside(
  output: Output,
  { opened, place, stepsOf }: MergeJob,
  merged: MergeOutcome,
  format: MergedFormat,
): Promise<MergeOutcome> {
  let outcome = merged;
  if (output instanceof OutputFolder) {
    const used = usedInputs(merged.plan);
    const folders = opened
      .filter((_, t) => used.has(t))
      .flatMap(({ folder }) => (folder === null ? [] : [folderReader(folder)]));
    const inside = place !== null && "inside" in place ? place.inside : null;
    const written = await folderFiles(merged, format, stepsOf(merged.plan), folders, inside);
    for (const { name, bytes } of written.files) output.write(name, bytes);
    outcome = written.outcome;
  }
  if (place !== null && "file" in place) place.file.write(reportText(outcome.report));
  return outcome;
}

/**
 * Merge into a file of weights.
 *
 * @param room the disk space that a plan needs, in bytes
 */
async function mergeOnDisk(
  output: Output,
  weights: string,
  room: (plan: MergePlan) => Promise<number>,
  { opened, recipe }: MergeJob,
  control: MachineControl,
): Promise<MergeOutcome> {
  const closers: (() => void | Promise<void>)[] = [];
  try {
    const methodModule = moduleOf(recipe.method ?? DEFAULT_METHOD);
    const host = diskHost(
      weights,
      async (plan) => output.checkSpace(await room(plan)),
      opened,
      // A method registered without a module exists on this thread only.
      methodModule === null ? 1 : control.threads,
      methodModule ?? null,
      closers,
    );
    const outcome = await runMerge(
      opened.map(({ adapter }) => adapter),
      recipe,
      host,
      control,
    );
    control.signal?.throwIfAborted();
    return outcome;
  } finally {
    // Close each once, even if another one fails.
    await Promise.allSettled(closers.map(async (close) => close()));
  }
}

/** What a worker needs to open a file again. */
function inputFile(source: ByteSource): InputFile {
  if ("remote" in source) {
    const { remote, access } = source as RemoteSource;
    return { remote, endpoint: access.endpoint, token: access.token };
  }
  if ("bytes" in source) return { name: source.name, bytes: (source as MemorySource).bytes };
  return (source as FileSource).path;
}

/** A lane on this thread and, if the inputs are large enough, more on worker threads. */
function diskHost(
  weights: string,
  checkRoom: (plan: MergePlan) => Promise<void>,
  opened: readonly DiskAdapter[],
  threads: number | undefined,
  methodModule: string | null,
  closers: (() => void | Promise<void>)[],
): MergeHost {
  const inputs = opened.map(({ adapter }) => adapter.files.map(inputFile));
  const bytes = opened.flatMap(({ adapter }) => adapter.files).reduce((sum, { size }) => sum + size, 0);
  const jobs = maximum(opened.map(({ adapter }) => adapter.modules.size)) + opened.length;
  const most = threads ?? Math.min(availableParallelism(), Math.ceil(bytes / BYTES_WORTH_A_THREAD));
  const wanted = Math.max(1, Math.min(most, jobs));
  // Start workers now: this takes about as long as making the plan.
  const workers = Array.from({ length: wanted - 1 }, () => workerLane());
  let local: DiskMerger | null = null;
  closers.push(async () => {
    local?.close();
    await Promise.all(workers.map((worker) => worker.close()));
  });
  return {
    hashes: true,
    async begin(plan: MergePlan) {
      await checkRoom(plan);
      createFile(weights, plan.size);
      const sink = openSink(weights);
      closers.push(() => sink.close());
      local?.close();
      local = openDiskMerger(wasmKernels(), plan, inputs, weights);
      const helpers = workers.slice(0, affordableThreads(wanted, plan.modules) - 1);
      for (const worker of helpers) worker.begin(plan, { methodModule, inputs, output: weights });
      return { sink, lanes: [local.lane, ...helpers] };
    },
  };
}
