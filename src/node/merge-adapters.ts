import { existsSync } from "node:fs";
import type { DialectId } from "../adapter/adapter.ts";
import type { AdapterText } from "../adapter/dialect.ts";
import type { FormatId } from "../convert/formats.ts";
import type { FormatChoice } from "../convert/forms.ts";
import { Profile } from "../lanes/profile.ts";
import type { MergeOutcome } from "../merge/merge.ts";
import { carriedOut } from "../plan/carried-out.ts";
import type { MergePlan } from "../plan/merge-plan.ts";
import { makePlan } from "../plan/plan.ts";
import { planOutput, writerOfMerge } from "../plan/plan-output.ts";
import type { Warning } from "../plan/warning.ts";
import type { Recipe } from "../recipe/recipe.ts";
import type { RecipeStep } from "../recipe/recipe-file.ts";
import { bakedAdapters, refuseIdleBase } from "./bake-adapters.ts";
import { type Call, checkCall, type OptionTable } from "./call/check-call.ts";
import { COUNT, FORMAT, FUNCTION, PATH, PATHS, RECIPE, SWITCH } from "./call/rules.ts";
import {
  type DiskAdapter,
  diskAdapters,
  INPUT,
  inputPaths,
  localPaths,
  type OpenOptions,
} from "./input/adapter-path.ts";
import { baseConfigPath, readBaseConfig } from "./input/base-config.ts";
import { partsAgain } from "./input/parts-again.ts";
import { modelRefusal } from "./loading-lines.ts";
import { type MergeJob, mergeInto } from "./merge-into.ts";
import type { OutputOptions } from "./output/into-output.ts";
import { checkOutput, intoOutput, type PlaceOptions } from "./output/output-place.ts";
import { withProfile } from "./output/profile-file.ts";
import type { MachineControl } from "./threads/disk-host.ts";

/** The format of a result, and what writing it needs. */
export interface FormatOptions {
  /**
   * The format, one of `FORMAT_IDS`. Default: what the recipe's `for` loads; else PEFT for a folder and GGUF for a
   * .gguf file. A .safetensors file gets the adapters' dialect if all share one that is a single file, else kohya's or diffusers'.
   */
  readonly to?: FormatId;
  /** Path of the base model's config.json, which GGUF files need for names and rows, and MLX for some names. */
  readonly baseConfig?: string;
}

/** How adapters are opened for a merge. */
export type InputOptions = Omit<OpenOptions, "baseConfig">;

/** The base model of a merge's adapters, which most merges do without. */
export interface BaseOptions {
  /** Folder of the base model in safetensors, from which `dora: bake` extracts what DoRA's magnitudes change. */
  readonly base?: string;
}

/** How to write a merge to disk. */
export interface MergeOptions
  extends FormatOptions,
    BaseOptions,
    MachineControl,
    InputOptions,
    Omit<PlaceOptions, "bytes"> {
  /** Where to write: one file if the name ends in .safetensors or .gguf, else a folder. */
  readonly out: string;
  /** Also write what each thread did when to this file, as a trace that chrome://tracing and Perfetto open. */
  readonly profile?: string;
}

/** The same for a merge that is only planned; without `out`, a folder is meant. */
export type PlannedOptions = Omit<MergeOptions, "out" | "profile"> & Partial<Pick<MergeOptions, "out">>;

/** Rules for the options of every output. */
export const PLACE: OptionTable<Omit<OutputOptions, "bytes">> = { force: SWITCH, onNotice: FUNCTION };
const INTO_FOLDER: OptionTable<Omit<MergeOptions, keyof FormatOptions | "out" | "profile">> = {
  ...INPUT,
  ...PLACE,
  report: PATH,
  base: PATH,
  threads: COUNT,
  onProgress: FUNCTION,
};
/** Rules for the options of every function that carries out a merge. */
export const MERGING: OptionTable<Omit<MergeOptions, "out" | "profile">> = {
  ...INTO_FOLDER,
  to: FORMAT,
  baseConfig: PATH,
};

const TAKEN = { paths: PATHS, recipe: RECIPE };
const OUT = { ...PATH, needed: true } as const;
const MERGE: Call<MergeOptions> = {
  name: "mergeAdapters",
  takes: TAKEN,
  options: { ...MERGING, out: OUT, profile: PATH },
};
const PLAN: Call<PlannedOptions> = { name: "planMergedOutput", takes: TAKEN, options: { ...MERGING, out: PATH } };
const FOLDER: Call<Omit<MergeOptions, keyof FormatOptions>> = {
  name: "mergeToFolder",
  takes: TAKEN,
  options: { ...INTO_FOLDER, out: OUT, profile: PATH },
};

/** A merge as it was written. */
export interface Merged extends MergeOutcome {
  readonly format: DialectId;
  /** The formats of the adapters that were merged. */
  readonly from: readonly DialectId[];
}

/**
 * Merge the adapters at these paths into an output that appears complete or not at all: one file, or a folder with weights, their config
 * if the format has one, README.md and recipe.yaml.
 *
 * @throws UsageError or RefusedError, before anything is written, for what the format cannot hold; OutputError when the output cannot be
 *   written; and whatever opening and merging throw
 * @example
 * ```ts
 * import { mergeAdapters } from "lora-lego/node";
 *
 * const paths = ["adapters/reverse", "adapters/sort"];
 * const { format, report } = await mergeAdapters(paths, { method: "svd", target: { kind: "rank", rank: 4 } }, { out: "merged" });
 * console.log(format, report.totals.rank); // peft 4
 * ```
 */
export async function mergeAdapters(paths: readonly string[], recipe: Recipe, options: MergeOptions): Promise<Merged> {
  checkCall(MERGE, [paths, recipe, options]);
  return mergeChecked(paths, recipe, options);
}

/** `mergeAdapters` for callers that have checked their options. @param how whether inputs are hashed, and who merges */
export async function mergeChecked(
  paths: readonly string[],
  recipe: Recipe,
  options: MergeOptions,
  how: Pick<MergeJob, "hashes" | "withHost"> = {},
): Promise<Merged> {
  const profile = options.profile === undefined ? undefined : new Profile();
  profile?.mark("start-up");
  return withOpened(paths, recipe, options, async (opened, inputs, baseConfig) => {
    profile?.mark("open");
    const { out } = options;
    const adapters = opened.map(({ adapter }) => adapter);
    const again = await partsAgain(opened);
    const known = Array.from(again.values(), ({ text }): Warning => ({ id: "counts-twice", text }));
    const planned = async () => ({ plan: makePlan(adapters, recipe), adapters, baseConfig });
    // What is wrong with the inputs is said before that the output is there already.
    if (existsSync(out)) await planned();
    const writer = await writerOfMerge(out, formatChoice(options.to, recipe), planned);
    const stepsOf = (plan: MergePlan) => writtenSteps(paths, recipe, plan);
    const merged = await withProfile(options, inputs, profile, () =>
      intoOutput(out, inputs, options, (output, place) =>
        mergeInto(
          output,
          { opened, recipe, writer, baseConfig, place, stepsOf, known, ...(profile && { profile }), ...how },
          options,
        ),
      ),
    );
    return { ...merged, format: writer?.id ?? "peft", from: adapters.map((own) => own.format) };
  });
}

/**
 * Merge the adapters at these paths into a PEFT folder: adapter_config.json, adapter_model.safetensors, README.md and recipe.yaml.
 *
 * @throws as `mergeAdapters`
 * @example
 * ```ts
 * import { mergeToFolder } from "lora-lego/node";
 *
 * const paths = ["adapters/reverse", "adapters/sort"];
 * const { report } = await mergeToFolder(paths, { method: "lego", weights: [2, 1] }, { out: "merged-folder" });
 * console.log(report.totals.rank, report.warnings.map(({ id }) => id)); // 7 []
 * ```
 */
export async function mergeToFolder(
  paths: readonly string[],
  recipe: Recipe,
  options: Omit<MergeOptions, keyof FormatOptions>,
): Promise<Merged> {
  checkCall(FOLDER, [paths, recipe, options]);
  return mergeAdapters(paths, recipe, { ...options, to: "peft" });
}

/** What a merge would write. */
export interface MergedOutputPlan {
  readonly plan: MergePlan;
  readonly format: DialectId;
  /** Size of the weights file. */
  readonly bytes: number;
  /** Why the recipe's program takes no LoRA for their model; null where it may, or the recipe names none. */
  readonly against: string | null;
}

/**
 * What `mergeAdapters` would write, from headers alone; refuses what it would refuse before it begins. The values may show that smaller
 * ranks are enough; the merge then writes those.
 *
 * @example
 * ```ts
 * import { planMergedOutput } from "lora-lego/node";
 *
 * const { plan, format } = await planMergedOutput(["adapters/reverse", "adapters/sort"], { method: "cat" }, { out: "planned" });
 * console.log(format, plan.rank, plan.dtype, plan.modules.length); // peft 14 F32 21
 * ```
 */
export async function planMergedOutput(
  paths: readonly string[],
  recipe: Recipe,
  options: PlannedOptions = {},
): Promise<MergedOutputPlan> {
  checkCall(PLAN, [paths, recipe, options]);
  return withOpened(paths, recipe, options, async (opened, inputs, baseConfig) => {
    const { out } = options;
    if (out !== undefined) checkOutput(out, inputs, options);
    const adapters = opened.map(({ adapter }) => adapter);
    const plan = makePlan(adapters, recipe);
    const choice = formatChoice(options.to, recipe);
    const planned = { plan, adapters, baseConfig, steps: writtenSteps(paths, recipe, plan) };
    const { writer, bytes } = await planOutput(out ?? null, choice, planned);
    const against = modelRefusal(adapters, recipe.for, options.base);
    return { plan, format: writer?.id ?? "peft", bytes, against };
  });
}

/** A merge as its output's recipe tells it: adapters by local paths, every default filled in. */
function writtenSteps(paths: readonly string[], recipe: Recipe, plan: MergePlan): RecipeStep[] {
  const adapters = localPaths(paths).map((path) => ({ path }));
  return [{ name: null, adapters, recipe: carriedOut(recipe, plan) }];
}

/** The format requested by name or by a recipe's `for`. */
export function formatChoice(to: FormatId | undefined, recipe: Recipe): FormatChoice {
  return { ...(to !== undefined && { to }), ...(recipe.for !== undefined && { for: recipe.for }) };
}

/** Open adapters and do work with them. @param work gets the paths that must not be overwritten, and the base's config */
async function withOpened<T>(
  paths: readonly string[],
  recipe: Recipe,
  options: InputOptions & FormatOptions & BaseOptions,
  work: (opened: readonly DiskAdapter[], inputs: readonly string[], baseConfig: AdapterText | null) => Promise<T>,
): Promise<T> {
  const { baseConfig: config, base, ...opening } = options;
  refuseIdleBase([recipe], base);
  const baseConfig = readBaseConfig(config);
  const opened = await diskAdapters(paths, { ...opening, baseConfig });
  try {
    const beside = [baseConfigPath(config), base].filter((path) => path !== undefined);
    const baked = await bakedAdapters(opened, recipe, base);
    return await work(baked, [...inputPaths(paths, opened), ...beside], baseConfig);
  } finally {
    for (const adapter of opened) adapter.close();
  }
}
