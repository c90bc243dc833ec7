import { existsSync, realpathSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { UsageError } from "../core/errors.ts";
import { isHubPath } from "../hub/hub-path.ts";
import type { MergeControl, MergeOutcome } from "../merge/merge.ts";
import type { MergePlan } from "../merge/merge-plan.ts";
import { makePlan } from "../merge/plan.ts";
import { plannedAdapter } from "../merge/planned-adapter.ts";
import { type ParsedRecipe, parseRecipe, type RecipeSource, type RecipeStep } from "../merge/recipe-file.ts";
import { carriedOut } from "../merge/recipe-text.ts";
import { inputPaths, localPaths, type OpenOptions, openAdapters } from "./adapter-path.ts";
import { mergeInto, mergeToFolder } from "./merge-to-folder.ts";
import { OutputFolder } from "./output-folder.ts";
import { readText } from "./read-text.ts";
import { openReport, type ReportPlace } from "./report-file.ts";

/** Where the steps of a recipe write, inside the output folder while that is temporary itself. */
const STEPS_FOLDER = "steps";

/** A recipe file, its paths looked up. */
export interface LoadedRecipe {
  /** The file itself, which nothing is written over; null where the shell handed it over open. */
  readonly file: string | null;
  readonly steps: readonly RecipeStep[];
  /** The path of each adapter of each step; null for the result of an earlier step. */
  readonly paths: readonly (readonly (string | null)[])[];
  readonly out: string | null;
  readonly report: string | null;
}

/**
 * Read a recipe file and look up its paths.
 *
 * @param adapters folder that relative paths of adapters start at; default the recipe's own
 * @throws UsageError at the first mistake, with its place in the file
 */
export async function loadRecipe(file: string, adapters?: string): Promise<LoadedRecipe> {
  if (!existsSync(file)) throw new UsageError(`There is no recipe file ${file}; pass the path of a YAML file.`);
  const recipe = await parseRecipe(readText(file, { pipes: true }), file);
  const home = dirname(resolve(file));
  const real = realpathSync(file);
  const from = adapters === undefined ? home : resolve(adapters);
  return {
    // What a pipe leads to has a name, but is not there.
    file: existsSync(real) ? real : null,
    steps: recipe.steps,
    paths: recipe.steps.map(({ adapters: sources }, i) =>
      sources.map((source, t) => ("step" in source ? null : existing(recipe, from, source.path, i, t))),
    ),
    out: recipe.out === null ? null : resolve(home, recipe.out),
    report: recipe.report === null ? null : resolve(home, recipe.report),
  };
}

function existing(recipe: ParsedRecipe, from: string, path: string, step: number, adapter: number): string {
  if (isHubPath(path)) return path;
  const full = resolve(from, path);
  if (existsSync(full)) return full;
  throw new UsageError(
    `${recipe.placeOfAdapter(step, adapter)}: there is no file or folder ${path} in ${from}; correct the path, or pass --adapters DIR.`,
  );
}

/** How to carry out a recipe; `out` is the recipe's where it is not given. */
export interface RunOptions extends MergeControl, OpenOptions {
  readonly out?: string;
  readonly force?: boolean;
  readonly threads?: number;
  readonly onNotice?: (text: string) => void;
  /** Told of each step and awaited, before it runs. */
  readonly onStep?: (name: string | null) => Promise<void>;
}

/** What a step of a recipe did. */
export interface StepOutcome extends MergeOutcome {
  readonly name: string | null;
}

/**
 * Carry out a recipe: its steps in their order, the last one into the output. Results of earlier steps lie in the output's
 * temporary folder, so that they go with it, whatever happens.
 *
 * @throws what `mergeToFolder` throws; UsageError where neither the recipe nor the options say where to write
 */
export async function runRecipe(recipe: LoadedRecipe, options: RunOptions = {}): Promise<StepOutcome[]> {
  const { out = recipe.out, force = false, onNotice = () => {}, onStep, ...control } = options;
  if (out === null) throw new UsageError("The recipe does not say where to write; add out: DIR to it, or pass --out.");
  const inputs = [...(await inputsOf(recipe, options)), ...(recipe.file === null ? [] : [recipe.file])];
  const output = OutputFolder.create(out, inputs, force, onNotice);
  try {
    const { report } = recipe;
    const place = report === null ? null : openReport(report, output, { inputs, force, tell: onNotice });
    const done: StepOutcome[] = [];
    for (const [i, { name, recipe: merge }] of recipe.steps.entries()) {
      await onStep?.(name);
      const folders = recipe.paths[i]!.map((path, t) => path ?? stepFolder(output, recipe.steps[i]!.adapters[t]!));
      const outcome =
        i < recipe.steps.length - 1
          ? await mergeToFolder(folders, merge, { ...control, out: stepFolder(output, { step: name! }) })
          : await mergeLast(output, folders, place, recipe, done, control);
      done.push({ name, ...outcome });
    }
    rmSync(output.path(STEPS_FOLDER), { recursive: true, force: true });
    output.commit();
    return done;
  } catch (error) {
    output.discard();
    throw error;
  }
}

/** Open every adapter once, so that what is wrong with one is said before the first step runs. */
async function inputsOf(recipe: LoadedRecipe, options: RunOptions): Promise<string[]> {
  const paths = [...new Set(recipe.paths.flat().filter((path) => path !== null))];
  const opened = await openAdapters(paths, options);
  for (const adapter of opened) adapter.close();
  return inputPaths(paths, opened);
}

function stepFolder(output: OutputFolder, source: RecipeSource): string {
  if (!("step" in source)) throw new Error(`${source.path} is no step`);
  return output.path(join(STEPS_FOLDER, source.step));
}

async function mergeLast(
  output: OutputFolder,
  folders: readonly string[],
  place: ReportPlace | null,
  recipe: LoadedRecipe,
  done: readonly StepOutcome[],
  control: Omit<RunOptions, "out" | "force" | "onNotice" | "onStep">,
): Promise<MergeOutcome> {
  const opened = await openAdapters(folders, control);
  try {
    const { recipe: merge } = recipe.steps.at(-1)!;
    return await mergeInto(output, opened, place, merge, control, (plan) =>
      writtenSteps(recipe, [...done.map((step) => step.plan), plan]),
    );
  } finally {
    for (const adapter of opened) adapter.close();
  }
}

/** The steps as the output's own recipe tells them: adapters by local paths, every default filled in. */
function writtenSteps({ steps, paths }: LoadedRecipe, plans: readonly MergePlan[]): RecipeStep[] {
  const given = paths.flat().filter((path) => path !== null);
  const local = new Map(localPaths(given).map((path, i) => [given[i]!, path]));
  return steps.map(({ name, adapters, recipe }, i) => ({
    name,
    adapters: adapters.map((source, t) => ("step" in source ? source : { path: local.get(paths[i]![t]!)! })),
    recipe: carriedOut(recipe, plans[i]!),
  }));
}

/** What a recipe would do, step by step, from headers alone; ranks after the first step are the most that can come out. */
export async function planRecipe(recipe: LoadedRecipe): Promise<{ name: string | null; plan: MergePlan }[]> {
  const results = new Map<string, MergePlan>();
  const planned: { name: string | null; plan: MergePlan }[] = [];
  for (const [i, { name, adapters: sources, recipe: merge }] of recipe.steps.entries()) {
    const opened = await openAdapters(recipe.paths[i]!.filter((path) => path !== null));
    try {
      const disk = opened.map(({ adapter }) => adapter).values();
      const adapters = sources.map((source) =>
        "step" in source ? plannedAdapter(source.step, results.get(source.step)!) : disk.next().value!,
      );
      const plan = makePlan(await Promise.all(adapters), merge);
      results.set(name ?? "", plan);
      planned.push({ name, plan });
    } finally {
      for (const adapter of opened) adapter.close();
    }
  }
  return planned;
}
