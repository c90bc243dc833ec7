import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Adapter } from "../../adapter/adapter.ts";
import { isDora } from "../../adapter/dora.ts";
import type { RecordedMerge } from "../../analysis/audit/audit-merged.ts";
import {
  CLUSTERS,
  type RecordedClusters,
  type RecordedReport,
  type ResultFigures,
  recordedReport,
} from "../../analysis/audit/recorded-clusters.ts";
import { LoraLegoError, RefusedError } from "../../core/errors.ts";
import { listed } from "../../core/listed.ts";
import { shellPath } from "../../core/shell-word.ts";
import { parseStrictJson } from "../../formats/json.ts";
import { RECIPE_KEY } from "../../formats/recipe-key.ts";
import { EXACT_SUM } from "../../methods/method.ts";
import { methodById } from "../../methods/registry.ts";
import { asSaid, autoTarget } from "../../plan/carried-out.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import { makePlan } from "../../plan/plan.ts";
import type { Recipe } from "../../recipe/recipe.ts";
import { parseRecipe, type RecipeStep } from "../../recipe/recipe-file.ts";
import { RECIPE_FILE } from "../../recipe/recipe-text.ts";
import { CARD_FILE, hashesOfCard } from "../../report/card.ts";
import { askedRank } from "../../report/rank-rule.ts";
import { REPORT_FILE, reportBeside } from "../../report/report-beside.ts";
import { LARGE_TEXT_BYTES, readText } from "../files/read-text.ts";
import { isNamedFile } from "./adapter-path.ts";
import { isFolder } from "./holds-adapter.ts";
import { isPermutation, otherFiles, placesOf, type RecordedInput } from "./recorded-inputs.ts";

/** What a recipe tells. */
const WEIGHING = "weights and method, counted as a sum of all adapters";

/** Where a merged adapter lies. */
export interface MergedPlace {
  /** The folder of its files; null if it has none on disk. */
  readonly folder: string | null;
  /** As the user wrote it. */
  readonly path: string;
  /** What its file says of itself. */
  readonly metadata: Adapter["metadata"];
}

/** What is known of a merge, and which of the adapters each of its recipe's is. */
export interface RecordedInOrder extends RecordedMerge {
  readonly order: readonly number[];
}

type Weighing = Omit<RecordedInOrder, "clusters" | "unseen" | "mismatch">;

/**
 * What is written of a merge: method and weights in recipe.yaml, or in the metadata of a single file; the clusters in a report beside it.
 * What they do not say is among `unseen`.
 *
 * @throws RefusedError for DoRA adapters, unless the recipe left their magnitudes out, and where the recipe names none of the adapters
 */
export async function recordedMerge(place: MergedPlace, adapters: readonly Adapter[]): Promise<RecordedInOrder> {
  const unseen: string[] = [];
  const file = reportFile(place);
  const report = reportIn(place, file);
  // A file with a name of its own may lie in the folder of another merge.
  const alone = isNamedFile(place.path);
  const source = alone ? `the recipe in ${basename(place.path)}` : RECIPE_FILE;
  const steps = await orUnseen(unseen, WEIGHING, () => (alone ? stepsInFile(place, source) : stepsBeside(place)));
  refuseMagnitudes(steps, adapters);
  const inputs = steps?.length === 1 ? inputsOf(steps[0]!, hashesBeside(place, report)) : [];
  const places = await placesOf(inputs, adapters);
  const names = inputs.map(({ name }) => name).join(", ");
  // A recipe of one adapter may be that of a merge that was changed, such as scaled or resized.
  const changed = inputs.length === 1 && adapters.length > 1;
  if (inputs.length > 0 && !changed && places.every((t) => t === -1)) {
    const otherwise = alone ? "copies with these names" : `correct their names in ${source}`;
    throw new RefusedError(
      `${source} says that the result was made of ${names}, and none of them is passed; pass those to --of, or ${otherwise} if these are the same adapters.`,
    );
  }
  const others = !isPermutation(places, adapters.length);
  const changedFiles = others ? [] : await otherFiles(inputs, places, adapters);
  const weighing =
    steps === null
      ? null
      : await orUnseen(unseen, WEIGHING, async () => {
          if (steps.length > 1) return `${source} has several steps`;
          return others
            ? `${source} says that it was made of ${names}`
            : weighingOf(steps[0]!, source, places, adapters);
        });
  const clustering = weighing === null || weighing.method.cut === "clusters";
  const clusters = clustering
    ? await orUnseen(unseen, CLUSTERS, () => clustersOf(place, file, report, adapters))
    : null;
  return {
    ...(weighing ?? plainSum(adapters)),
    clusters,
    unseen,
    mismatch:
      inputs.length > 0 && others && !(changed && places[0] === -1)
        ? `${source} says that the result was made of ${names}; pass those to --of.`
        : changedFiles.length > 0
          ? notTheFiles(changedFiles)
          : null,
  };
}

/** What is wrong with adapters whose weights are not those that were merged. */
function notTheFiles(adapters: readonly Adapter[]): string {
  const names = listed(adapters.map(({ name }) => name));
  return adapters.length === 1
    ? `${names} is not the file that this was made of (by its SHA-256); pass that to --of, or merge again with this one.`
    : `${names} are not the files that this was made of (by their SHA-256); pass those to --of, or merge again with these.`;
}

/** The figures of a report's result for adapters in the user's order. @param places of the report's adapters among those passed */
function figuresFor({ of }: RecordedReport, places: readonly number[]): ResultFigures {
  return { ...of, cosines: places.map((_, t) => of.cosines[places.indexOf(t)]!) };
}

/** The deltas of a DoRA adapter's own file are not what a merge holds of it. */
function refuseMagnitudes(steps: readonly RecipeStep[] | null, adapters: readonly Adapter[]): void {
  const dora = adapters.find(isDora);
  if (dora === undefined) return;
  if (steps !== null && steps.length > 0 && steps.every(({ recipe }) => recipe.dora === "drop")) return;
  throw new RefusedError(
    `${dora.name} is a DoRA adapter, and its file alone does not show what its magnitudes change; bake it by itself (lora-lego merge ${dora.name} --method cat --dora bake --base DIR), merge the result of that, and audit the merge against it.`,
  );
}

/** What `read` returns; if it cannot be had, null, and `what` is unseen for the reason given. */
async function orUnseen<T>(unseen: string[], what: string, read: () => Promise<T | string>): Promise<T | null> {
  try {
    const found = await read();
    if (typeof found !== "string") return found;
    unseen.push(`${what} (${found})`);
  } catch (error) {
    if (!(error instanceof LoraLegoError)) throw error;
    unseen.push(`${what} (${error.message.replace(/\.$/, "")})`);
  }
  return null;
}

/** Weights that are not known, and count as if the deltas had been added up. */
function plainSum(adapters: readonly Adapter[]): Weighing {
  const ones = adapters.map(() => 1);
  return {
    method: methodById(EXACT_SUM),
    weights: null,
    weightsOf: () => ones,
    recipe: null,
    asked: null,
    rankByAuto: false,
    order: [...adapters.keys()],
  };
}

async function stepsBeside({ folder }: MergedPlace): Promise<readonly RecipeStep[] | string> {
  const text = textIn(folder, RECIPE_FILE);
  return text === null ? `there is no ${RECIPE_FILE} beside the result` : (await parseRecipe(text, RECIPE_FILE)).steps;
}

/** @param source what the recipe is called in messages */
async function stepsInFile({ path, metadata }: MergedPlace, source: string): Promise<readonly RecipeStep[] | string> {
  const text = metadata.get(RECIPE_KEY);
  return text === undefined ? `${basename(path)} holds no recipe` : (await parseRecipe(text, source)).steps;
}

/** The adapters that a recipe names, with their hashes where as many are recorded. */
function inputsOf({ adapters }: RecipeStep, hashes: readonly (string | null)[]): RecordedInput[] {
  const known = hashes.length === adapters.length ? hashes : [];
  return adapters.map((source, n) => ({
    name: "path" in source ? source.path : source.step,
    sha256: known[n] ?? null,
  }));
}

/** The hashes of the inputs by the card in the folder, or else by the report; a file with a name of its own has no card. */
function hashesBeside({ folder, path }: MergedPlace, report: RecordedReport | string): readonly (string | null)[] {
  const card = isNamedFile(path) ? null : textIn(folder, CARD_FILE);
  const told = card === null ? [] : hashesOfCard(card);
  return told.length > 0 || typeof report === "string" ? told : report.inputs.map(({ sha256 }) => sha256);
}

/**
 * @param source the file that tells the step
 * @param places of the recipe's adapters among those passed
 */
function weighingOf(
  { recipe }: RecipeStep,
  source: string,
  places: readonly number[],
  adapters: readonly Adapter[],
): Weighing | string {
  const inputs = places.map((t) => adapters[t]!);
  const plan = planOf(recipe, source, inputs);
  if (typeof plan === "string") return plan;
  const inUsersOrder = (weights: readonly number[]): number[] => adapters.map((_, t) => weights[places.indexOf(t)]!);
  const weights = inUsersOrder(plan.inputs.map(({ weight }) => weight));
  const own = new Map(plan.modules.map((module) => [module.name, inUsersOrder(module.weights)]));
  return {
    method: methodById(plan.method),
    weights,
    weightsOf: (name) => own.get(name) ?? weights,
    recipe: asSaid(recipe, inputs),
    asked: askedRank(plan.target),
    rankByAuto: JSON.stringify(autoTarget(recipe, inputs)) === JSON.stringify(plan.target),
    order: places,
  };
}

/** The plan of a recipe, or why there is none, with the file that tells the recipe. */
function planOf(recipe: Recipe, source: string, inputs: readonly Adapter[]): MergePlan | string {
  try {
    return makePlan(inputs, recipe);
  } catch (error) {
    if (!(error instanceof LoraLegoError)) throw error;
    return `${source}: ${error.message.replace(/\.$/, "")}`;
  }
}

/** Where the report of a result belongs; of a folder's own weights in the folder. */
function reportPath(path: string): string {
  return reportBeside(isNamedFile(path) || isFolder(path) ? path : dirname(path));
}

/** The name of the report beside a result: a single file's own, unless its folder holds one that may be about it. */
function reportFile({ folder, path }: MergedPlace): string {
  const own = basename(reportPath(path));
  const there = (name: string): boolean => folder !== null && existsSync(join(folder, name));
  return !there(own) && there(REPORT_FILE) ? REPORT_FILE : own;
}

/** The report beside a result, or why there is none. */
function reportIn({ folder }: MergedPlace, file: string): RecordedReport | string {
  const text = textIn(folder, file);
  if (text === null) return noReport(file);
  try {
    return recordedReport(parseStrictJson(text, file)) ?? `${file} is no report of a merge`;
  } catch (error) {
    if (!(error instanceof LoraLegoError)) throw error;
    return error.message.replace(/\.$/, "");
  }
}

async function clustersOf(
  { folder, path }: MergedPlace,
  file: string,
  report: RecordedReport | string,
  adapters: readonly Adapter[],
): Promise<RecordedClusters | string> {
  if (report === noReport(file) && folder !== null) {
    return `there is no ${file} beside it; a merge that clusters writes it there with --report ${shellPath(reportPath(path))}`;
  }
  if (typeof report === "string") return report;
  const places = await placesOf(report.inputs, adapters);
  if (!isPermutation(places, adapters.length)) return `${file} is about other adapters`;
  return { modules: report.modules, of: figuresFor(report, places) };
}

function noReport(file: string): string {
  return `there is no ${file} beside the result`;
}

function textIn(folder: string | null, file: string): string | null {
  if (folder === null) return null;
  const path = join(folder, file);
  return existsSync(path) ? readText(path, { name: file, most: LARGE_TEXT_BYTES }) : null;
}
