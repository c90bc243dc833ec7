import type { Adapter } from "../adapter/adapter.ts";
import type { AdapterText } from "../adapter/dialect.ts";
import type { Conversion } from "../convert/conversion.ts";
import type { Writer } from "../convert/convert.ts";
import { writeConversion } from "../convert/write-conversion.ts";
import { WEIGHTS_FILE } from "../formats/peft-folder/files.ts";
import type { Profile } from "../lanes/profile.ts";
import { folderFiles, type MergedFormat, peftFolder, reportText } from "../merge/folder-files.ts";
import { type MergeOutcome, runMerge } from "../merge/merge.ts";
import { DEFAULT_METHOD } from "../methods/method.ts";
import { type MergePlan, usedInputs } from "../plan/merge-plan.ts";
import { plannedAdapter } from "../plan/planned-adapter.ts";
import { refuseGgufInputs } from "../plan/refuse-gguf-inputs.ts";
import type { Warning } from "../plan/warning.ts";
import type { Recipe } from "../recipe/recipe.ts";
import type { RecipeStep } from "../recipe/recipe-file.ts";
import { openFile } from "./files/file-source.ts";
import type { DiskAdapter } from "./input/adapter-path.ts";
import { folderReader } from "./input/folder-reader.ts";
import { fillFile } from "./output/file-sink.ts";
import { OutputFile } from "./output/output-file.ts";
import { OutputFolder } from "./output/output-folder.ts";
import type { Output } from "./output/output-place.ts";
import type { ReportPlace } from "./output/report-file.ts";
import { type MachineControl, type WithHost, withDiskHost } from "./threads/disk-host.ts";

/** A merge to carry out, and where and how to write its result. */
export interface MergeJob {
  readonly opened: readonly DiskAdapter[];
  readonly recipe: Recipe;
  /** Writes the result; null for a PEFT folder, which a merge writes by itself. */
  readonly writer: Writer | null;
  readonly baseConfig: AdapterText | null;
  /** Whether the report names the inputs by SHA-256, which takes as long as a small merge. Default true. */
  readonly hashes?: boolean;
  /** Who carries the merge out. Default: the threads of this machine. */
  readonly withHost?: WithHost;
  /** What the threads did when is added to it. */
  readonly profile?: Profile;
  /** What to warn of besides what the merge finds. */
  readonly known?: readonly Warning[];
  /** Where the report goes. */
  readonly place: ReportPlace | null;
  /** The steps for recipe.yaml, once the final plan is known. */
  stepsOf(plan: MergePlan): readonly RecipeStep[];
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
    const held = output instanceof OutputFile ? job.stepsOf(plan) : undefined;
    const adapter = await plannedAdapter("the result", plan, adapters, held);
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
  const factors = tensors.filter(({ content }) => ["factor", "stack", "interleave"].includes(content.kind));
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
    if (inside !== null) output.write(inside, reportText(outcome.report));
  }
  if (place !== null && "file" in place) place.file.write(reportText(outcome.report));
  return outcome;
}

/**
 * Merge into a file of weights.
 *
 * @param room the disk space that a plan needs, in bytes
 */
function mergeOnDisk(
  output: Output,
  weights: string,
  room: (plan: MergePlan) => Promise<number>,
  { opened, recipe, hashes = true, known = [], profile, withHost = withDiskHost }: MergeJob,
  control: MachineControl,
): Promise<MergeOutcome> {
  const adapters = opened.map(({ adapter }) => adapter);
  const place = {
    adapters,
    weights,
    draft: output.scratch("draft.safetensors"),
    method: recipe.method ?? DEFAULT_METHOD,
    threads: control.threads,
    hashes,
    traced: profile !== undefined,
    checkRoom: async (plan: MergePlan, beside: number) => output.checkSpace((await room(plan)) + beside),
  };
  return withHost(place, async (host) => {
    const outcome = await runMerge(adapters, recipe, host, { ...control, ...(profile && { profile }) });
    control.signal?.throwIfAborted();
    profile?.mark("report");
    const { report } = outcome;
    return { ...outcome, report: { ...report, warnings: [...known, ...report.warnings] } };
  });
}
