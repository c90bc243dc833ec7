import type { Job } from "../lanes/lane.ts";
import type { MergePlan, PlannedModule } from "../plan/merge-plan.ts";

/** One job for each module, to look at it. */
export function surveyJobs({ modules }: MergePlan): Job[] {
  return modules.map((_, index) => ({ kind: "survey", index }));
}

/** A job with more than this share of the work goes first, or at the end other lanes would wait for it. */
const LARGE_SHARE = 1 / 32;

/** One job for each module, in their order but for large ones; experts that share a tensor are one job. */
export function moduleJobs(plan: MergePlan): Job[] {
  const jobs = jobsInOrder(plan);
  const works = jobs.map(({ indices }) => indices.reduce((sum, index) => sum + workOf(plan.modules[index]!), 0));
  const large = LARGE_SHARE * works.reduce((sum, work) => sum + work, 0);
  const rank = (at: number): number => (works[at]! > large ? works[at]! : 0);
  return Array.from(jobs.keys())
    .sort((one, other) => rank(other) - rank(one) || one - other)
    .map((at) => jobs[at]!);
}

/** Products of all pairs of a module's units, which take most of its time. */
function workOf({ parts, in: inputs, out }: PlannedModule): number {
  return parts.reduce((sum, { module }) => sum + module.rank, 0) ** 2 * (inputs + out);
}

type ModulesJob = Extract<Job, { kind: "modules" }>;

function jobsInOrder({ modules }: MergePlan): ModulesJob[] {
  const jobs: ModulesJob[] = [];
  const shared = new Map<number, number[]>();
  for (const [index, { expert, b }] of modules.entries()) {
    const others = expert === null ? undefined : shared.get(b.begin);
    if (others !== undefined) {
      others.push(index);
      continue;
    }
    const indices = [index];
    if (expert !== null) shared.set(b.begin, indices);
    jobs.push({ kind: "modules", indices });
  }
  return jobs;
}

/** One job for each extra tensor. */
export function extraJobs({ extras }: MergePlan): Job[] {
  return extras.map((_, index) => ({ kind: "extra", index }));
}

/** Spread some jobs evenly among others, so that few lanes hash at once and no lane has a long job at the end. */
export function scatter(few: readonly Job[], jobs: Job[]): void {
  const step = jobs.length / few.length;
  for (const [i, job] of [...few.entries()].reverse()) jobs.splice(Math.floor(i * step), 0, job);
}
