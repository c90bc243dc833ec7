import type { LooseRecipe } from "../../recipe/recipe.ts";
import type { LogProbabilities } from "../bench.ts";
import { greatest } from "../metrics.ts";
import type { TaskRow } from "../task-rows.ts";

/** A merge that was scored on the rows of a search. */
export interface Trial {
  readonly recipe: LooseRecipe;
  /** Share of right answers of each task. */
  readonly tasks: Readonly<Record<string, number>>;
  /** Mean of the tasks' shares, weighted by preference, and the smallest of them. */
  readonly mean: number;
  readonly worst: number;
  /** What the search makes small: mean over tasks, weighted by preference, of -log of the right choice's share among the choices. */
  readonly loss: number;
}

/** @param prefer how much each task counts; 1 for those left out */
export function trialOf(
  recipe: LooseRecipe,
  rows: readonly TaskRow[],
  scores: LogProbabilities,
  prefer: Readonly<Record<string, number>>,
): Trial {
  const names = [...new Set(rows.map(({ task }) => task))];
  const counts = names.map((task) => prefer[task] ?? 1);
  const meanOf = (task: string, value: (row: TaskRow, i: number) => number): number => {
    const own = rows.flatMap((row, i) => (row.task === task ? [value(row, i)] : []));
    return own.reduce((sum, each) => sum + each, 0) / own.length;
  };
  const weighted = (values: readonly number[]): number =>
    values.reduce((sum, value, i) => sum + counts[i]! * value, 0) / counts.reduce((sum, count) => sum + count, 0);
  const shares = names.map((task) => meanOf(task, ({ answer }, i) => (greatest(scores[i]!) === answer ? 1 : 0)));
  const losses = names.map((task) => meanOf(task, ({ answer }, i) => surprise(scores[i]!, answer)));
  return {
    recipe,
    tasks: Object.fromEntries(names.map((task, i) => [task, shares[i]!])),
    mean: weighted(shares),
    worst: Math.min(...shares),
    loss: weighted(losses),
  };
}

/** -log of the answer's probability among the choices. */
function surprise(choices: readonly number[], answer: number): number {
  const most = Math.max(...choices);
  return most - choices[answer]! + Math.log(choices.reduce((sum, choice) => sum + Math.exp(choice - most), 0));
}

/** The trials that no other one beats in mean and worst task both, the best mean first; of equals the first. */
export function frontOf(trials: readonly Trial[]): Trial[] {
  const sorted = trials.toSorted((one, other) => other.mean - one.mean || other.worst - one.worst);
  let worst = Number.NEGATIVE_INFINITY;
  return sorted.filter((trial) => {
    if (trial.worst <= worst) return false;
    worst = trial.worst;
    return true;
  });
}
