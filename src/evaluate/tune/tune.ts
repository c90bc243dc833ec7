import { RefusedError } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import { weightsAreFactors } from "../../methods/delta-weights.ts";
import { methodById } from "../../methods/registry.ts";
import type { LooseRecipe } from "../../recipe/recipe.ts";
import { type LogProbabilities, rightOf } from "../bench.ts";
import { inOrder } from "../in-order.ts";
import { greatest } from "../metrics.ts";
import { type PairedDifference, pairedDifference } from "../paired.ts";
import type { TaskRow } from "../task-rows.ts";
import { cmaEs } from "./cma-es.ts";
import type { LayerGroup } from "./layer-groups.ts";
import { searchSpace } from "./search-space.ts";
import { frontOf, type Trial, trialOf } from "./trial.ts";

/** A merge that was made to be scored. */
export interface TunedMerge {
  /** What the recipe left open. */
  readonly method: string;
  readonly scale: number;
  readonly rank: number;
}

/** Merges and scores for a search. */
export interface TuneHost {
  /** How many trials may be under way at once. */
  readonly lanes: number;
  /**
   * Merge by a recipe, and find the log-probability of every choice of the rows.
   *
   * @throws RefusedError for a method that does not merge these adapters
   */
  trial(
    recipe: LooseRecipe,
    rows: readonly TaskRow[],
  ): Promise<{ readonly merge: TunedMerge; readonly scores: LogProbabilities }>;
}

/** What to search, and on what. */
export interface TuneSearch {
  readonly adapters: number;
  readonly groups: readonly LayerGroup[];
  /** Rows to search on, and rows that are scored once at the end. */
  readonly search: readonly TaskRow[];
  readonly test: readonly TaskRow[];
  /** How many merges are scored in the search. */
  readonly budget: number;
  readonly seed: number;
  /** How much each task counts; 1 for those left out. */
  readonly prefer: Readonly<Record<string, number>>;
  /** What all merges have in common. */
  readonly every: LooseRecipe;
  /** The rank of all merges; null to try the adapters' and twice that. */
  readonly rank: number | null;
}

/** What a search found. */
export interface TuneResult {
  /** What the adapters alone recommend, on the rows of the search. */
  readonly recommended: Trial;
  /** The merge that was found, on the same rows. */
  readonly tuned: Trial;
  /** Every merge that no other one beat in mean and worst task both. */
  readonly front: readonly Trial[];
  readonly trials: number;
  /** Methods that do not merge these adapters, and why. */
  readonly refused: Readonly<Record<string, string>>;
  /** Both on rows that the search did not see, and what tuning gained there; null without such rows. */
  readonly unseen: {
    readonly recommended: Trial;
    readonly tuned: Trial;
    readonly gain: PairedDifference;
  } | null;
}

/** Progress of a search: merges scored, and how many there will be. */
export type OnTuneProgress = (progress: { readonly done: number; readonly total: number }) => void;

/** Every one is the best in some study of docs/evidence.md, or costs little and comes close. */
const TRIED: readonly LooseRecipe[] = [
  { method: "tsv" },
  { method: "ctm" },
  { method: "iso_c" },
  { method: "ties_svd" },
  { method: "dc_merge" },
  { method: "average" },
  { method: "lego" },
  { method: "lego", options: { gauge: "svd" } },
];
/** How many of them are also tried at twice the rank. */
const LARGER = 2;
/** Standard deviation of the first points of the search, in powers of two. */
const STEP = 0.4;

/**
 * Search for the merge that does best on a few rows. First the methods, each with the factor that is computed from the adapters, and the
 * best of them at twice the rank; then, for the best of these, factor, weights and groups of layers by CMA-ES with the rest of the budget.
 * What is made small is the loss (`Trial`) plus |x|^2 / 2 over the number of rows, for x the distance from the method's own merge in
 * powers of two: a merge that is further away needs more rows to speak for it. Deterministic, as far as the host is.
 */
export async function tune(
  host: TuneHost,
  search: TuneSearch,
  onProgress: OnTuneProgress = () => {},
): Promise<TuneResult> {
  const { budget } = search;
  const trials: Trial[] = [];
  const refused: Record<string, string> = {};
  let done = 0;
  const attempt = async (own: LooseRecipe): Promise<{ readonly trial: Trial; readonly merge: TunedMerge }> => {
    const recipe = { ...search.every, ...own };
    const { merge, scores } = await host.trial(recipe, search.search);
    onProgress({ done: ++done, total: budget });
    return { trial: trialOf(recipe, search.search, scores, search.prefer), merge };
  };
  const rankOf = (rank: number): Pick<LooseRecipe, "target"> => ({ target: { kind: "rank", rank } });

  const first = await attempt({ method: "auto", ...(search.rank !== null && rankOf(search.rank)) });
  const fixed = { ...rankOf(first.merge.rank), scale: "auto" } as const;
  const found = [{ ...first, recipe: { method: first.merge.method, ...fixed } as LooseRecipe }];
  trials.push(first.trial);
  /** Try recipes while the budget lasts; one that is refused costs nothing of it. */
  const tryAll = async (recipes: readonly LooseRecipe[]): Promise<void> => {
    for (let at = 0; at < recipes.length && trials.length < budget; ) {
      const batch = recipes.slice(at, at + budget - trials.length);
      at += batch.length;
      const outcomes = await inOrder(batch, host.lanes, (recipe) => attempt(recipe).catch(refusal));
      for (const [i, outcome] of outcomes.entries()) {
        const recipe = batch[i]!;
        if ("trial" in outcome) {
          trials.push(outcome.trial);
          found.push({ ...outcome, recipe });
        } else refused[recipe.method!] = outcome.message;
      }
    }
  };
  await tryAll(
    TRIED.filter((recipe) => !isSame(recipe, first.merge.method)).map((recipe) => ({ ...recipe, ...fixed })),
  );
  const leading = (): typeof found => found.toSorted((one, other) => one.trial.loss - other.trial.loss);
  if (search.rank === null) {
    const larger = leading().slice(0, LARGER);
    await tryAll(larger.map(({ recipe }) => ({ ...recipe, ...rankOf(2 * first.merge.rank) })));
  }

  const start = leading()[0]!;
  const groups = weightsAreFactors(methodById(start.merge.method)) ? search.groups : [];
  const space = searchSpace(start.recipe, start.merge.scale, search.adapters, groups);
  let best = { trial: start.trial, loss: start.trial.loss };
  const strategy = cmaEs(new Float64Array(space.size), STEP, seededRandom(search.seed));
  while (trials.length < budget) {
    const points = strategy.ask().slice(0, budget - trials.length);
    const tried = await inOrder(points, host.lanes, (point) => attempt(space.recipeAt(point)));
    const losses = tried.map(({ trial }, i) => {
      const far = points[i]!.reduce((sum, value) => sum + value ** 2, 0) / 2 / search.search.length;
      return trial.loss + far;
    });
    for (const [i, { trial }] of tried.entries()) {
      trials.push(trial);
      if (losses[i]! < best.loss) best = { trial, loss: losses[i]! };
    }
    if (trials.length < budget) strategy.tell(losses);
  }
  const tuned = best.trial;
  return {
    recommended: first.trial,
    tuned,
    front: frontOf(trials),
    trials: trials.length,
    refused,
    unseen: search.test.length === 0 ? null : await judge(host, search, first.trial.recipe, tuned.recipe),
  };
}

/** A method that does not merge these adapters. @throws every other error */
function refusal(error: unknown): RefusedError {
  if (error instanceof RefusedError) return error;
  throw error;
}

/** Whether it is what was recommended. */
function isSame({ method, options }: LooseRecipe, recommended: string): boolean {
  return method === recommended && options === undefined;
}

async function judge(
  host: TuneHost,
  { test, prefer }: TuneSearch,
  recommended: LooseRecipe,
  tuned: LooseRecipe,
): Promise<TuneResult["unseen"]> {
  const scored = await inOrder([recommended, tuned], host.lanes, (recipe) => host.trial(recipe, test));
  const [theirs, ours] = [scored[0]!.scores, scored[1]!.scores];
  const tasks = [...new Set(test.map(({ task }) => task))];
  const right = (scores: LogProbabilities, task: string): boolean[] => rightOf(test, scores.map(greatest), task);
  return {
    recommended: trialOf(recommended, test, theirs, prefer),
    tuned: trialOf(tuned, test, ours, prefer),
    gain: pairedDifference(tasks.map((task) => ({ one: right(ours, task), other: right(theirs, task) }))),
  };
}
