import type { Adapter } from "../adapter/adapter.ts";
import { memorySink, memorySource } from "../core/bytes.ts";
import { UsageError } from "../core/errors.ts";
import { WEIGHTS_FILE } from "../formats/peft-folder/files.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import { affordableThreads } from "../lanes/affordable-threads.ts";
import type { RemoteLane } from "../lanes/remote-lane.ts";
import { folderFiles, peftFolder } from "../merge/folder-files.ts";
import { type MergeControl, type MergeHost, type MergeOutcome, runMerge } from "../merge/merge.ts";
import { methodById } from "../methods/registry.ts";
import { carriedOut } from "../plan/carried-out.ts";
import { type MergePlan, usedInputs } from "../plan/merge-plan.ts";
import { makePlan } from "../plan/plan.ts";
import { type Kept, kept } from "../plan/planned-adapter.ts";
import { refuseGgufInputs } from "../plan/refuse-gguf-inputs.ts";
import type { Fail } from "../recipe/check-options.ts";
import { checkRecipe } from "../recipe/check-recipe.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { type FieldName, RECIPE_FIELDS } from "../recipe/recipe-fields.ts";
import { withRecipe } from "../recipe/recipe-text.ts";
import type { FolderReader } from "../report/tokenizer-files.ts";
import { handedOf } from "./handed-files.ts";
import { refuseUnmade } from "./made-for.ts";
import type { PageInputs } from "./page-lanes.ts";

/** What a merge would write. */
export interface MergeSize {
  readonly bytes: number;
  readonly rank: number;
  /** Whether rank and bytes are the most that it may have: its values decide. */
  readonly most: boolean;
  readonly dtype: string;
  readonly modules: number;
}

/** What a merge in the page would write, from the headers alone. @throws whatever planning it throws */
export function mergeSize(adapters: readonly Adapter[], recipe: Recipe): MergeSize {
  checkRecipe(
    recipe,
    adapters.map(({ name }) => name),
    refuseField,
  );
  refuseUnmade(recipe);
  const plan = makePlan(adapters, recipe);
  refuseGgufInputs(plan, adapters);
  return {
    bytes: plan.size,
    rank: plan.rank,
    most: methodById(plan.method).sparse === true,
    dtype: plan.dtype.toLowerCase(),
    modules: plan.modules.length,
  };
}

/** Refuse a field of the form by the name that it has there. */
const refuseField: Fail = ([field], why, rest) => {
  const label = RECIPE_FIELDS[field as FieldName]?.label;
  throw new UsageError(label === undefined || rest === undefined ? why : `“${label}” ${rest}`);
};

/** A merged adapter: the outcome, and the files of its folder by name. */
export interface PageMerge extends MergeOutcome {
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** What a single file of it says that a PEFT folder does not hold: what the inputs have in common, and how it was made. */
  readonly kept: Kept;
}

/**
 * Merge adapters in a page's workers into memory; the bytes are those that `lora-lego merge` writes for the same recipe.
 *
 * @param paths the adapters' paths in the recipe file
 * @param folders the adapters' folders, from which files that are the same in all are copied; null for adapters read by range
 * @param workers at least one; closed at the end
 */
export async function mergeInPage(
  adapters: readonly Adapter[],
  paths: readonly string[],
  folders: readonly (FolderReader | null)[],
  recipe: Recipe,
  workers: readonly RemoteLane<PageInputs>[],
  control: MergeControl = {},
): Promise<PageMerge> {
  const inputs = adapters.map(({ files }) => files.map(handedOf));
  let weights: Uint8Array = new Uint8Array(0);
  const beginInMemory = (plan: MergePlan, bytes = plan.size) => {
    const sink = memorySink(bytes);
    const lanes = workers.slice(0, affordableThreads(workers.length, plan.modules));
    for (const lane of lanes) lane.begin(plan, inputs, ({ offset, bytes }) => sink.write(offset, bytes));
    return { sink, lanes };
  };
  const host: MergeHost = {
    hashes: true,
    kernels: wasmKernels(),
    survey: async (plan) => beginInMemory(plan, 0).lanes,
    async begin(plan) {
      refuseGgufInputs(plan, adapters);
      const begun = beginInMemory(plan);
      weights = begun.sink.bytes;
      return begun;
    },
    async beginDraft(draft, output) {
      refuseGgufInputs(output, adapters);
      const begun = beginInMemory(draft);
      return { ...begun, source: memorySource("the draft", begun.sink.bytes) };
    },
  };
  try {
    refuseUnmade(recipe);
    const merged = await runMerge(adapters, recipe, host, control);
    control.signal?.throwIfAborted();
    const steps = [{ name: null, adapters: paths.map((path) => ({ path })), recipe: carriedOut(recipe, merged.plan) }];
    const inherited = kept(merged.plan, adapters);
    const inputsUsed = usedInputs(merged.plan);
    const used = folders.filter((folder, t) => folder !== null && inputsUsed.has(t)) as FolderReader[];
    const { outcome, files } = await folderFiles(merged, peftFolder(merged.plan), steps, used, null);
    const named = files.map(({ name, bytes }) => [name, bytes] as const);
    return {
      ...outcome,
      kept: { ...inherited, metadata: withRecipe(inherited.metadata, steps) },
      files: { [WEIGHTS_FILE]: weights, ...Object.fromEntries(named) },
    };
  } finally {
    await Promise.allSettled(workers.map((worker) => worker.close()));
  }
}
