import type { TaskRow } from "../evaluate/task-rows.ts";
import type { Job, JobResult } from "../lanes/lane.ts";
import type { ModuleResult } from "../lanes/merger.ts";
import type { MergePlan } from "../plan/merge-plan.ts";

/** How far rounding may take a log-probability above 0. */
const ROUNDING = 1e-3;

/** @throws Error for the result of another job, or one that speaks of inputs, units or ranks that the plan does not have */
export function refuseOtherResult(plan: MergePlan, job: Job, result: JobResult): void {
  const same =
    (job.kind === "survey" && result.kind === "survey" && result.index === job.index) ||
    (job.kind === "extra" && result.kind === "extra") ||
    (job.kind === "hash" && result.kind === "hash" && result.input === job.input) ||
    (job.kind === "modules" &&
      result.kind === "modules" &&
      result.results.length === job.indices.length &&
      result.results.every(({ index }, i) => index === job.indices[i]));
  if (!same) throw new Error("the result is of another job");
  if (result.kind !== "modules") return;
  const foreign = result.results.find((module) => !isOfPlan(plan, module));
  if (foreign !== undefined) throw new Error(`the result of module ${foreign.index} is none of this plan`);
}

function isOfPlan(plan: MergePlan, result: ModuleResult): boolean {
  const { index, rank, dead, live, clusters, largest, products, sum, starts } = result;
  const { parts, rank: planned } = plan.modules[index]!;
  const units = new Map(parts.map(({ input, module }) => [input, module.rank]));
  const isUnit = ([input, unit]: readonly [number, number]): boolean => unit < (units.get(input) ?? 0);
  const inputs = plan.inputs.length;
  return (
    rank <= planned &&
    dead.every(isUnit) &&
    live.every(([input, count]) => count <= (units.get(input) ?? 0)) &&
    (clusters ?? []).every(({ members }) => members.every(isUnit)) &&
    [largest.a, largest.b].every(({ length }) => length === rank) &&
    products.inputs.length === inputs ** 2 &&
    products.cross.length === inputs &&
    (sum?.length ?? 0) <= [...units.values()].reduce((all, own) => all + own, 0) &&
    (starts === null || [starts.cosines, starts.variance, starts.units].every(({ length }) => length === inputs ** 2))
  );
}

/** @throws Error for scores of other rows, and for numbers that are no logarithms of probabilities */
export function refuseOtherScores(scores: readonly (readonly number[])[], rows: readonly TaskRow[]): void {
  const fit = scores.length === rows.length && rows.every(({ choices }, i) => scores[i]!.length === choices.length);
  if (!fit) throw new Error("the scores are of other rows");
  if (scores.flat().some((score) => score > ROUNDING)) throw new Error("a log-probability is above 0");
}
