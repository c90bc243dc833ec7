import type { ScoredDirections } from "../methods/net-utility.ts";
import type { Span, Timings } from "./clock.ts";
import type { Merger, ModuleResult } from "./merger.ts";
import { SharedIds } from "./shared-ids.ts";

/** A piece of a merge that any lane can do. */
export type Job =
  | { readonly kind: "survey"; readonly index: number }
  | { readonly kind: "modules"; readonly indices: readonly number[] }
  | { readonly kind: "extra"; readonly index: number }
  | { readonly kind: "hash"; readonly input: number };

/** The result of a job. */
export type JobResult =
  | { readonly kind: "survey"; readonly index: number; readonly directions: ScoredDirections }
  | { readonly kind: "modules"; readonly results: readonly ModuleResult[] }
  | { readonly kind: "extra" }
  | { readonly kind: "hash"; readonly input: number; readonly sha256: string | null };

/** Runs jobs one after the other: a worker thread, a Web Worker, or the caller's own thread. */
export interface Lane {
  /** How many jobs it takes at once; all but one wait in its queue. */
  readonly depth: number;
  run(job: Job): Promise<JobResult>;
  /** Time spent so far. */
  timings(): Promise<Timings>;
  /** What the thread did when, up to now, if its clock keeps spans. Lanes of other machines tell nothing. */
  spans?(): Promise<readonly Span[]>;
}

/** A lane on the caller's own thread; the thread can do other work (take signals, draw) before each job. */
export function localLane(
  merger: Pick<Merger, "surveyModule" | "mergeModules" | "writeExtra" | "clock">,
  hash: (input: number) => Promise<string | null>,
): Lane {
  const { clock } = merger;
  let free = performance.now();
  const rest = (): void => void clock.mark("idle", free);
  const work = async (job: Job): Promise<JobResult> => {
    if (job.kind === "survey") {
      return { kind: "survey", index: job.index, directions: await merger.surveyModule(job.index) };
    }
    if (job.kind === "modules") return { kind: "modules", results: await merger.mergeModules(job.indices) };
    if (job.kind === "extra") {
      await merger.writeExtra(job.index);
      return { kind: "extra" };
    }
    return { kind: "hash", input: job.input, sha256: await clock.bookAsync("hash", () => hash(job.input)) };
  };
  return {
    depth: 1,
    async run(job) {
      await yieldThread();
      rest();
      const start = performance.now();
      try {
        return await work(job);
      } finally {
        clock.mark(`job ${job.kind}`, start);
        free = performance.now();
      }
    },
    timings: async () => clock.timings,
    async spans() {
      rest();
      return clock.spans ?? [];
    },
  };
}

/** Let the event loop turn once; a timer would wait 4 ms in browsers. */
function yieldThread(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** Called after every module that was merged, or surveyed before that: how many are done in this pass, and how many there are. */
export type OnProgress = (progress: { readonly done: number; readonly total: number }) => void;

/** How many modules a job merges or surveys. */
function modulesIn(job: Job): number {
  if (job.kind === "modules") return job.indices.length;
  return job.kind === "survey" ? 1 : 0;
}

function withShared(result: JobResult, ids: SharedIds): JobResult {
  return result.kind === "modules" ? { ...result, results: result.results.map((own) => ids.in(own)) } : result;
}

/**
 * Hand jobs to lanes in order; each lane takes the next job when it has room. Results are in the order of the jobs.
 *
 * @throws the error of the first job that failed, or the signal's reason; running jobs are awaited, and no new one starts
 */
export async function runJobs(
  jobs: readonly Job[],
  lanes: readonly Lane[],
  signal?: AbortSignal,
  onProgress?: OnProgress,
): Promise<JobResult[]> {
  const results: JobResult[] = [];
  const ids = new SharedIds();
  let next = 0;
  let done = 0;
  const total = jobs.reduce((sum, job) => sum + modulesIn(job), 0);
  const failures: { readonly at: number; readonly error: unknown }[] = [];
  const work = async (lane: Lane): Promise<void> => {
    while (next < jobs.length && failures.length === 0) {
      signal?.throwIfAborted();
      const at = next++;
      try {
        results[at] = withShared(await lane.run(jobs[at]!), ids);
      } catch (error) {
        failures.push({ at, error });
        return;
      }
      const own = modulesIn(jobs[at]!);
      done += own;
      if (own > 0) onProgress?.({ done, total });
    }
  };
  const places = lanes.flatMap((lane) => Array.from({ length: lane.depth }, () => lane));
  const ended = await Promise.allSettled(places.map(work));
  // Which of several failing jobs fails first depends on timing; the first in the order of the jobs does not.
  failures.sort((one, other) => one.at - other.at);
  if (failures.length > 0) throw failures[0]!.error;
  for (const end of ended) if (end.status === "rejected") throw end.reason;
  return results;
}
