import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import type { Adapter } from "../../adapter/adapter.ts";
import { isDora } from "../../adapter/dora.ts";
import type { RecordedMerge } from "../../analysis/audit/audit-merged.ts";
import { recordedClusters } from "../../analysis/audit/recorded-clusters.ts";
import { LoraLegoError, RefusedError } from "../../core/errors.ts";
import { shellPath } from "../../core/shell-word.ts";
import { parseStrictJson } from "../../formats/json.ts";
import { hubName, isHubPath, parseHubPath } from "../../hub/hub-path.ts";
import { EXACT_SUM } from "../../methods/method.ts";
import { methodById } from "../../methods/registry.ts";
import { asSaid } from "../../plan/carried-out.ts";
import { makePlan } from "../../plan/plan.ts";
import { parseRecipe } from "../../recipe/recipe-file.ts";
import { RECIPE_FILE } from "../../recipe/recipe-text.ts";
import { LARGE_TEXT_BYTES, readText } from "../files/read-text.ts";

/** The name of a report that stands in a merged adapter's folder (`merge --report merged/report.json`). */
const REPORT_FILE = "report.json";
const NO_CLUSTERS = "the method does not cluster";

/** What is known of a merge, and which of the adapters each of its recipe's is. */
export interface RecordedInOrder extends RecordedMerge {
  readonly order: readonly number[];
}

type Weighing = Pick<RecordedInOrder, "method" | "weights" | "weightsOf" | "recipe" | "order">;

/**
 * What the files beside a merged adapter say about its merge: recipe.yaml the method and the weights, report.json the clusters. What they
 * do not say is among `unseen`.
 *
 * @param folder of the merged adapter; null if it has none on disk
 * @throws RefusedError for DoRA adapters, unless the recipe left their magnitudes out
 */
export async function recordedMerge(folder: string | null, adapters: readonly Adapter[]): Promise<RecordedInOrder> {
  await refuseMagnitudes(folder, adapters);
  const unseen: string[] = [];
  const weighing = await orUnseen(unseen, "weights and method, counted as a sum of all adapters", () =>
    weighingOf(folder, adapters),
  );
  const clustering = weighing === null || weighing.method.cut === "clusters";
  const clusters = await orUnseen(unseen, "clusters", async () => clustersOf(folder, adapters, clustering));
  const missing = weighing === null ? await missingFrom(folder, adapters) : [];
  return { ...(weighing ?? plainSum(adapters)), clusters, unseen, missing };
}

/** The deltas of a DoRA adapter's own file are not what a merge holds of it. */
async function refuseMagnitudes(folder: string | null, adapters: readonly Adapter[]): Promise<void> {
  const dora = adapters.find(isDora);
  if (dora === undefined) return;
  const text = textIn(folder, RECIPE_FILE);
  const steps = text === null ? [] : (await parseRecipe(text, RECIPE_FILE)).steps;
  if (steps.length > 0 && steps.every(({ recipe }) => recipe.dora === "drop")) return;
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

/** Weights of 1 each, as if the deltas had been added up. */
function plainSum(adapters: readonly Adapter[]): Weighing {
  const weights = adapters.map(() => 1);
  return {
    method: methodById(EXACT_SUM),
    weights,
    weightsOf: () => weights,
    recipe: null,
    order: [...adapters.keys()],
  };
}

async function weighingOf(folder: string | null, adapters: readonly Adapter[]): Promise<Weighing | string> {
  const text = textIn(folder, RECIPE_FILE);
  if (text === null) return `there is no ${RECIPE_FILE} beside the result`;
  const { steps } = await parseRecipe(text, RECIPE_FILE);
  const [step, ...others] = steps;
  if (others.length > 0) return `${RECIPE_FILE} has several steps`;
  const places = step!.adapters.map((source) => ("path" in source ? placeOf(source.path, adapters) : -1));
  if (!isPermutation(places, adapters.length)) {
    const named = step!.adapters.flatMap((source) => ("path" in source ? source.path : []));
    return `${RECIPE_FILE} says that it was made of ${named.join(", ")}`;
  }
  const inputs = places.map((t) => adapters[t]!);
  const plan = makePlan(inputs, step!.recipe);
  const inUsersOrder = (weights: readonly number[]): number[] => adapters.map((_, t) => weights[places.indexOf(t)]!);
  const weights = inUsersOrder(plan.inputs.map(({ weight }) => weight));
  const own = new Map(plan.modules.map((module) => [module.name, inUsersOrder(module.weights)]));
  return {
    method: methodById(plan.method),
    weights,
    weightsOf: (name) => own.get(name) ?? weights,
    recipe: asSaid(step!.recipe, inputs),
    order: places,
  };
}

/** The adapters that recipe.yaml names besides these, if it names each of these. */
async function missingFrom(folder: string | null, adapters: readonly Adapter[]): Promise<string[]> {
  const text = textIn(folder, RECIPE_FILE);
  if (text === null) return [];
  const steps = await parseRecipe(text, RECIPE_FILE).then(
    (recipe) => recipe.steps,
    () => [],
  );
  if (steps.length !== 1) return [];
  const named = steps[0]!.adapters.flatMap((source) => ("path" in source ? source.path : []));
  const places = named.map((path) => placeOf(path, adapters));
  return new Set(places.filter((t) => t >= 0)).size === adapters.length ? named.filter((_, n) => places[n] === -1) : [];
}

/** @param clustering whether the method may cluster */
async function clustersOf(folder: string | null, adapters: readonly Adapter[], clustering: boolean) {
  const text = textIn(folder, REPORT_FILE);
  if (text === null) {
    if (!clustering) return NO_CLUSTERS;
    const there = folder === null ? "" : shellPath(`${basename(folder)}/${REPORT_FILE}`);
    return folder === null
      ? `there is no ${REPORT_FILE} beside the result`
      : `there is no ${REPORT_FILE} in its folder; merge writes it there with --report ${there}`;
  }
  const recorded = recordedClusters(parseStrictJson(text, REPORT_FILE));
  if (recorded === null) return `${REPORT_FILE} is no report of a merge`;
  const places = recorded.inputs.map((name) => placeOf(name, adapters));
  if (!isPermutation(places, adapters.length)) return `${REPORT_FILE} is about other adapters`;
  return recorded.modules ?? NO_CLUSTERS;
}

function textIn(folder: string | null, file: string): string | null {
  if (folder === null) return null;
  const path = join(folder, file);
  return existsSync(path) ? readText(path, { name: file, most: LARGE_TEXT_BYTES }) : null;
}

/** The position of the adapter that a recipe or report means; -1 if there is none. */
export function placeOf(path: string, adapters: readonly Adapter[]): number {
  const name = isHubPath(path) ? hubName(parseHubPath(path)) : path;
  const exact = adapters.findIndex((adapter) => adapter.name === name);
  if (exact >= 0) return exact;
  return adapters.findIndex((adapter) => `/${name}`.endsWith(`/${adapter.name}`) || adapter.name.endsWith(`/${name}`));
}

function isPermutation(places: readonly number[], count: number): boolean {
  return places.length === count && new Set(places).size === count && !places.includes(-1);
}
