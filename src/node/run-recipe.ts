import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Adapter } from "../adapter/adapter.ts";
import type { AdapterText } from "../adapter/dialect.ts";
import type { FormatId } from "../convert/formats.ts";
import { UsageError } from "../core/errors.ts";
import { carriedOut } from "../plan/carried-out.ts";
import type { MergePlan } from "../plan/merge-plan.ts";
import { makePlan } from "../plan/plan.ts";
import { type PlannedMerge, planOutput, writerOfMerge } from "../plan/plan-output.ts";
import { type Kept, kept, plannedAdapter } from "../plan/planned-adapter.ts";
import type { LooseRecipe } from "../recipe/recipe.ts";
import { parseRecipe, type RecipeStep } from "../recipe/recipe-file.ts";
import { RECIPE_FILE } from "../recipe/recipe-text.ts";
import { bakedAdapters, refuseIdleBase } from "./bake-adapters.ts";
import { type Call, checkCall } from "./call/check-call.ts";
import { FUNCTION, object, optional, PATH } from "./call/rules.ts";
import { readText } from "./files/read-text.ts";
import { type DiskAdapter, diskAdapters, inputPaths, localPaths } from "./input/adapter-path.ts";
import { baseConfigPath, readBaseConfig } from "./input/base-config.ts";
import { existing, folderOfAdapters } from "./input/recipe-paths.ts";
import { modelRefusal } from "./loading-lines.ts";
import {
  type BaseOptions,
  type FormatOptions,
  formatChoice,
  type InputOptions,
  MERGING,
  type Merged,
  type MergedOutputPlan,
} from "./merge-adapters.ts";
import { type MergeJob, mergeInto } from "./merge-into.ts";
import { intoFolder } from "./output/into-output.ts";
import { checkOutput, intoOutput, type Output, type PlaceOptions } from "./output/output-place.ts";
import type { MachineControl } from "./threads/disk-host.ts";

/** A recipe file with its paths resolved. */
export interface LoadedRecipe {
  /** The file itself, which is never overwritten; null if it is an open pipe from the shell. */
  readonly file: string | null;
  readonly steps: readonly RecipeStep[];
  /** The path of each adapter of each step; null for the result of an earlier step. */
  readonly paths: readonly (readonly (string | null)[])[];
  /** The folder that relative paths of adapters start from. */
  readonly from: string;
  readonly out: string | null;
  readonly to: FormatId | null;
  readonly report: string | null;
}

const LOAD: Call<object> = { name: "loadRecipe", takes: { file: PATH, adapters: optional(PATH) }, options: {} };

/**
 * Read a recipe file and resolve its paths.
 *
 * @param adapters folder that relative adapter paths start from; default the recipe's folder, or the one around it or the current
 *   one where only that holds them all
 * @throws UsageError for the first mistake, with its place in the file
 * @example
 * ```ts
 * import { loadRecipe } from "lora-lego/node";
 * import { writeFile } from "node:fs/promises";
 *
 * await writeFile("loaded.yaml", "adapters: [adapters/reverse, adapters/sort]\nrank: 4\n");
 * const { steps } = await loadRecipe("loaded.yaml");
 * console.log(steps[0]?.recipe.target); // { kind: 'rank', rank: 4 }
 * ```
 */
export async function loadRecipe(file: string, adapters?: string): Promise<LoadedRecipe> {
  checkCall(LOAD, [file, adapters]);
  if (!existsSync(file)) throw new UsageError(`There is no recipe file ${file}; pass the path of a YAML file.`);
  if (statSync(file).isDirectory()) {
    const own = join(file, RECIPE_FILE);
    throw new UsageError(
      existsSync(own)
        ? `${file} is a folder; pass the recipe in it: ${own}.`
        : `${file} is a folder without a ${RECIPE_FILE}; pass the path of a YAML file.`,
    );
  }
  const recipe = await parseRecipe(readText(file, { pipes: true }), file);
  const home = dirname(resolve(file));
  const real = realpathSync(file);
  const from = adapters === undefined ? folderOfAdapters(recipe, home) : resolve(adapters);
  return {
    // The resolved name of a pipe does not exist as a file.
    file: existsSync(real) ? real : null,
    steps: recipe.steps,
    paths: recipe.steps.map(({ adapters: sources }, i) =>
      sources.map((source, t) => ("step" in source ? null : existing(recipe, file, from, source.path, i, t))),
    ),
    from,
    out: recipe.out === null ? null : resolve(home, recipe.out),
    to: recipe.to,
    report: recipe.report === null ? null : resolve(home, recipe.report),
  };
}

/** How to carry out a recipe; `out`, `to` and `report` default to the recipe's. */
export interface RunOptions
  extends FormatOptions,
    BaseOptions,
    MachineControl,
    InputOptions,
    Omit<PlaceOptions, "bytes"> {
  readonly out?: string;
  /** Called and awaited before each step. */
  readonly onStep?: (name: string | null) => Promise<void>;
}

const LOADED = { recipe: object("what loadRecipe returns", { steps: "object", paths: "object" }) };
const RUN: Call<RunOptions> = {
  name: "runRecipe",
  takes: LOADED,
  options: { ...MERGING, out: PATH, onStep: FUNCTION },
};
const PLAN: Call<RunOptions> = { ...RUN, name: "planRecipe" };

/** The result of one step of a recipe. */
export interface StepOutcome extends Merged {
  readonly name: string | null;
}

/**
 * Carry out a recipe: its steps in order, the last one into the output. Results of earlier steps are temporary PEFT folders inside the
 * unfinished output, so that they always disappear with it.
 *
 * @throws what `mergeAdapters` throws; UsageError if neither the recipe nor the options say where to write
 * @example
 * ```ts
 * import { loadRecipe, runRecipe } from "lora-lego/node";
 * import { writeFile } from "node:fs/promises";
 *
 * await writeFile("run.yaml", "adapters: [adapters/reverse, adapters/sort]\nrank: 4\n");
 * const steps = await runRecipe(await loadRecipe("run.yaml"), { out: "of-recipe" });
 * console.log(steps[0]?.report.totals.rank); // 4
 * ```
 */
export async function runRecipe(recipe: LoadedRecipe, options: RunOptions = {}): Promise<StepOutcome[]> {
  checkCall(RUN, [recipe, options]);
  const { onStep, ...control } = options;
  const { out, to, report } = destination(recipe, options);
  if (out === null) throw new UsageError("The recipe does not say where to write; add out: DIR to it, or pass --out.");
  const baseConfig = readBaseConfig(options.baseConfig);
  const inputs = await inputsOf(recipe, options, baseConfig);
  const choice = formatChoice(to, recipe.steps.at(-1)!.recipe);
  const planned = async () => (await planSteps(recipe, options, baseConfig)).last;
  // What is wrong with the inputs is said before that the output is there already.
  if (existsSync(out)) await planned();
  const writer = await writerOfMerge(out, choice, planned);
  const place = { ...control, ...(report !== null && { report }) };
  return intoOutput(out, inputs, place, async (output, reportPlace) => {
    const done: StepOutcome[] = [];
    const results = new Map<string, Kept>();
    for (const [i, { name, recipe: merge }] of recipe.steps.entries()) {
      await onStep?.(name);
      const isLast = i === recipe.steps.length - 1;
      const opened = await openStep(recipe, i, output, results, { ...control, baseConfig });
      try {
        const job: MergeJob = {
          opened,
          recipe: merge,
          writer: isLast ? writer : null,
          baseConfig,
          place: isLast ? reportPlace : null,
          stepsOf: (plan) => writtenSteps(recipe, [...done.map((step) => step.plan), plan]),
        };
        const outcome = isLast
          ? await mergeInto(output, job, control)
          : await intoFolder(output.scratch(name!), [], {}, (folder) => mergeInto(folder, job, control));
        const adapters = opened.map(({ adapter }) => adapter);
        results.set(name ?? "", kept(outcome.plan, adapters));
        done.push({
          name,
          format: job.writer?.id ?? "peft",
          from: job.opened.map(({ adapter }) => adapter.format),
          ...outcome,
        });
      } finally {
        for (const adapter of opened) adapter.close();
      }
    }
    return done;
  });
}

/** Where a recipe writes its output and report, and in which format. */
function destination(recipe: LoadedRecipe, { out, to, report }: RunOptions) {
  return { out: out ?? recipe.out, to: to ?? recipe.to ?? undefined, report: report ?? recipe.report };
}

/** Open every adapter once, so that a fault in one is reported before the first step. @returns paths that must not be overwritten */
async function inputsOf(recipe: LoadedRecipe, options: RunOptions, baseConfig: AdapterText | null): Promise<string[]> {
  refuseIdleBase(
    recipe.steps.map((step) => step.recipe),
    options.base,
  );
  const paths = [...new Set(recipe.paths.flat().filter((path) => path !== null))];
  const opened = await diskAdapters(paths, { ...options, baseConfig });
  for (const adapter of opened) adapter.close();
  const others = [recipe.file, baseConfigPath(options.baseConfig), options.base].filter(
    (path) => typeof path === "string",
  );
  return [...inputPaths(paths, opened), ...others];
}

/** Open the adapters of a step; results of earlier steps keep what is known about the adapters that went into them. */
async function openStep(
  { steps, paths }: LoadedRecipe,
  step: number,
  output: Output,
  results: ReadonlyMap<string, Kept>,
  options: Parameters<typeof diskAdapters>[1] & BaseOptions,
): Promise<readonly DiskAdapter[]> {
  const sources = steps[step]!.adapters;
  const places = sources.map((source, t) => ("step" in source ? output.scratch(source.step) : paths[step]![t]!));
  const opened = await diskAdapters(places, options);
  const baked = await bakedAdapters(opened, steps[step]!.recipe, options.base);
  return baked.map((one, t) => {
    const source = sources[t]!;
    return "step" in source ? { ...one, adapter: { ...one.adapter, ...results.get(source.step)! } } : one;
  });
}

/** The finished steps for the output's own recipe: adapters by local paths, every default filled in. */
function writtenSteps({ steps, paths }: LoadedRecipe, plans: readonly MergePlan[]): RecipeStep[] {
  const given = paths.flat().filter((path) => path !== null);
  const local = new Map(localPaths(given).map((path, i) => [given[i]!, path]));
  return plans.map((plan, i) => {
    const { name, adapters, recipe } = steps[i]!;
    return {
      name,
      adapters: adapters.map((source, t) => ("step" in source ? source : { path: local.get(paths[i]![t]!)! })),
      recipe: carriedOut(recipe, plan),
    };
  });
}

/** What a step would write. */
export interface PlannedStep extends MergedOutputPlan {
  readonly name: string | null;
}

/**
 * What a recipe would do, step by step, from headers alone; ranks after the first step are upper bounds. If the output is known, its place
 * is checked too.
 *
 * @throws what `runRecipe` throws before it begins
 * @example
 * ```ts
 * import { loadRecipe, planRecipe } from "lora-lego/node";
 * import { writeFile } from "node:fs/promises";
 *
 * await writeFile("planned.yaml", "adapters: [adapters/reverse, adapters/sort]\nmethod: cat\n");
 * const [step] = await planRecipe(await loadRecipe("planned.yaml"));
 * console.log(step?.plan.rank); // 14
 * ```
 */
export async function planRecipe(recipe: LoadedRecipe, options: RunOptions = {}): Promise<PlannedStep[]> {
  checkCall(PLAN, [recipe, options]);
  const { out, to, report } = destination(recipe, options);
  const baseConfig = readBaseConfig(options.baseConfig);
  if (out !== null) {
    const inputs = await inputsOf(recipe, options, baseConfig);
    checkOutput(out, inputs, { ...options, ...(report !== null && { report }) });
  }
  const { steps, last } = await planSteps(recipe, options, baseConfig);
  const { writer, bytes } = await planOutput(out, formatChoice(to, recipe.steps.at(-1)!.recipe), last);
  return [...steps.slice(0, -1), { ...steps.at(-1)!, format: writer?.id ?? "peft", bytes }];
}

async function planSteps(
  recipe: LoadedRecipe,
  options: RunOptions,
  baseConfig: AdapterText | null,
): Promise<{ readonly steps: PlannedStep[]; readonly last: PlannedMerge }> {
  const results = new Map<string, Adapter>();
  const steps: PlannedStep[] = [];
  let last: Omit<PlannedMerge, "steps"> | null = null;
  for (const [i, { name, adapters: sources, recipe: merge }] of recipe.steps.entries()) {
    const given = recipe.paths[i]!.filter((path) => path !== null);
    const opened = await diskAdapters(given, { ...options, baseConfig });
    try {
      const weights = sources.flatMap((source, t) => ("step" in source ? [] : [merge.weights?.[t] ?? 1]));
      const baked = await bakedAdapters(opened, { ...merge, weights } as LooseRecipe, options.base);
      const disk = baked.map(({ adapter }) => adapter).values();
      const adapters = sources.map((source) => ("step" in source ? results.get(source.step)! : disk.next().value!));
      const plan = makePlan(adapters, merge);
      results.set(name ?? "", await plannedAdapter(name ?? "", plan, adapters));
      const against = modelRefusal(adapters, merge.for, options.base);
      steps.push({ name, plan, format: "peft", bytes: plan.size, against });
      last = { plan, adapters, baseConfig };
    } finally {
      for (const adapter of opened) adapter.close();
    }
  }
  const written = writtenSteps(
    recipe,
    steps.map(({ plan }) => plan),
  );
  return { steps, last: { ...last!, steps: written } };
}
