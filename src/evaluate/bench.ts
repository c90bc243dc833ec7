import type { Recipe } from "../recipe/recipe.ts";
import type { BenchFile } from "./bench-file.ts";
import { inOrder } from "./in-order.ts";
import { greatest } from "./metrics.ts";
import { type PairedDifference, pairedDifference } from "./paired.ts";
import type { TaskRow } from "./task-rows.ts";

/** Log-probabilities of each row's choices. */
export type LogProbabilities = readonly (readonly number[])[];

/** Merges and scores for a benchmark. */
export interface BenchHost {
  /** How many parts of the benchmark may be under way at once. One merges and scores one merge after the other. */
  readonly lanes: number;
  /** Merge the benchmark's adapters. @returns what `score` calls the result */
  merge(recipe: Recipe): Promise<string>;
  /**
   * The log-probability of every choice of the rows.
   *
   * @param adapter what `merge` returned, the path of an adapter, or null for the base alone
   * @param scale factor of the adapter's delta
   */
  score(adapter: string | null, scale: number, rows: readonly TaskRow[]): Promise<LogProbabilities>;
}

/** How many rows of each task were answered correctly. */
export interface BenchScores {
  readonly tasks: Readonly<
    Record<string, { readonly rows: number; readonly accuracy: number; readonly deviation: number }>
  >;
  /** Mean accuracy of the tasks that adapters were trained for. */
  readonly seen: number;
  /** The same for the unseen tasks; null where there are none. */
  readonly unseen: number | null;
}

/** What one merge at one rank scored. */
export interface MergeScores {
  readonly name: string;
  readonly rank: number | null;
  /** As merged. */
  readonly plain: BenchScores;
  /** With its delta times the factor that did best on the dev rows; null where none was searched. */
  readonly searched: (BenchScores & { readonly scale: number }) | null;
  /** Against the first merge at the same rank, over the seen tasks, with chosen scales where these are searched; null for that merge. */
  readonly against: PairedDifference | null;
}

/** All results of a benchmark. */
export interface BenchResult {
  readonly base: BenchScores;
  /** Each task answered by the adapter trained for it; null where the file does not say which. */
  readonly own: BenchScores | null;
  readonly joint: BenchScores | null;
  /** The choices' log-probabilities, averaged over the adapters. */
  readonly ensemble: BenchScores;
  readonly merges: readonly MergeScores[];
}

/** Progress of a benchmark: parts done and total. */
export type OnBenchProgress = (progress: { readonly done: number; readonly total: number }) => void;

/** Run a benchmark. As deterministic as the host. */
export async function runBench(
  bench: BenchFile,
  rows: { readonly dev: readonly TaskRow[]; readonly test: readonly TaskRow[] },
  host: BenchHost,
  onProgress: OnBenchProgress = () => {},
): Promise<BenchResult> {
  const counted = counter(bench, rows.test);
  const dev = rows.dev.filter(({ task }) => !bench.unseen.includes(task));
  const right = counter(bench, dev);
  const ranked = bench.merges.flatMap(({ name, recipe }) =>
    recipe.target !== undefined || bench.ranks.length === 0
      ? [{ name, rank: recipe.target?.kind === "rank" ? recipe.target.rank : null, recipe }]
      : bench.ranks.map((rank) => ({ name, rank, recipe: { ...recipe, target: { kind: "rank", rank } as const } })),
  );
  const scoreMerge = async ({ name, rank, recipe }: (typeof ranked)[number]): Promise<ScoredMerge> => {
    const merged = await host.merge(recipe);
    const plain = answersOf(await host.score(merged, 1, rows.test));
    const scoreOf = async (factor: number) => right.seen(answersOf(await host.score(merged, factor, dev)));
    const scale = bench.scales.length === 0 ? null : await bestScale(bench.scales, host.lanes, scoreOf);
    const searched = scale === null || scale === 1 ? plain : answersOf(await host.score(merged, scale, rows.test));
    return { name, rank, plain, scale, searched };
  };
  const paths = [null, ...bench.adapters.map(({ path }) => path), ...(bench.joint === null ? [] : [bench.joint])];
  const alone: LogProbabilities[] = [];
  const scored: ScoredMerge[] = [];
  const parts = [
    ...paths.map((path, i) => async () => {
      alone[i] = await host.score(path, 1, rows.test);
    }),
    ...ranked.map((merge, i) => async () => {
      scored[i] = await scoreMerge(merge);
    }),
  ];
  let done = 0;
  await inOrder(parts, host.lanes, async (part) => {
    await part();
    onProgress({ done: ++done, total: parts.length });
  });
  const base = alone[0]!;
  const adapters = alone.slice(1, 1 + bench.adapters.length);
  const joint = bench.joint === null ? null : alone.at(-1)!;
  const merges = scored.map((merge): MergeScores => {
    const { name, rank, plain, scale, searched } = merge;
    const first = scored.find((other) => other.rank === rank)!;
    return {
      name,
      rank,
      plain: counted.scores(plain),
      searched: scale === null ? null : { scale, ...counted.scores(searched) },
      against: first === merge ? null : counted.difference(searched, first.searched),
    };
  });
  const known = bench.adapters.every(({ task }) => task !== null);
  return {
    base: counted.scores(answersOf(base)),
    own: known ? counted.scores(ownAnswers(bench, rows.test, adapters, answersOf(base))) : null,
    joint: joint === null ? null : counted.scores(answersOf(joint)),
    ensemble: counted.scores(answersOf(averaged(adapters))),
    merges,
  };
}

/** The answers of one merge, as merged and at the best scale. */
interface ScoredMerge extends Pick<MergeScores, "name" | "rank"> {
  readonly plain: readonly number[];
  readonly scale: number | null;
  readonly searched: readonly number[];
}

/** The best scale; among equals, the one nearest to 1. */
async function bestScale(
  scales: readonly number[],
  lanes: number,
  scoreOf: (scale: number) => Promise<number>,
): Promise<number> {
  const nearestFirst = [1, ...scales].sort((p, q) => Math.abs(Math.log(Math.abs(p))) - Math.abs(Math.log(Math.abs(q))));
  let [best, most] = [1, -1];
  for (const [i, score] of (await inOrder(nearestFirst, lanes, scoreOf)).entries()) {
    if (score > most) [best, most] = [nearestFirst[i]!, score];
  }
  return best;
}

function answersOf(scores: LogProbabilities): number[] {
  return scores.map(greatest);
}

/** Mean over adapters of each choice's log-probability. */
function averaged(adapters: readonly LogProbabilities[]): LogProbabilities {
  return adapters[0]!.map((row, i) =>
    row.map((_, j) => adapters.reduce((sum, scores) => sum + scores[i]![j]!, 0) / adapters.length),
  );
}

/** Each row answered by the adapter of its task, and by the base where no adapter has it. */
function ownAnswers(
  { adapters }: BenchFile,
  rows: readonly TaskRow[],
  scores: readonly LogProbabilities[],
  base: readonly number[],
): number[] {
  return rows.map(({ task }, i) => {
    const own = adapters.findIndex((adapter) => adapter.task === task);
    return own < 0 ? base[i]! : greatest(scores[own]![i]!);
  });
}

/** Whether each row of a task was answered right. @param given the choice that each row was answered with */
export function rightOf(rows: readonly TaskRow[], given: readonly number[], task: string): boolean[] {
  return rows.flatMap((row, i) => (row.task === task ? [given[i] === row.answer] : []));
}

function share(right: readonly boolean[]): number {
  return right.filter(Boolean).length / right.length;
}

/** Counts right answers to rows. */
function counter({ unseen }: BenchFile, rows: readonly TaskRow[]) {
  const tasks = [...new Set(rows.map(({ task }) => task))];
  const seen = tasks.filter((task) => !unseen.includes(task));
  const others = tasks.filter((task) => unseen.includes(task));
  const mean = (given: readonly number[], names: readonly string[]): number =>
    names.reduce((sum, task) => sum + share(rightOf(rows, given, task)), 0) / names.length;
  return {
    /** Mean accuracy of the seen tasks. */
    seen: (given: readonly number[]): number => mean(given, seen),
    scores(given: readonly number[]): BenchScores {
      const of = Object.fromEntries(
        tasks.map((task) => {
          const right = rightOf(rows, given, task);
          const accuracy = share(right);
          const deviation = Math.sqrt((accuracy * (1 - accuracy)) / right.length);
          return [task, { rows: right.length, accuracy, deviation }];
        }),
      );
      return { tasks: of, seen: mean(given, seen), unseen: others.length > 0 ? mean(given, others) : null };
    },
    difference(given: readonly number[], reference: readonly number[]): PairedDifference {
      return pairedDifference(
        seen.map((task) => ({ one: rightOf(rows, given, task), other: rightOf(rows, reference, task) })),
      );
    },
  };
}
