import type { ErrorMessage } from "../core/errors.ts";
import type { MergePlan } from "../plan/merge-plan.ts";
import type { Span, Timings } from "./clock.ts";
import type { Job, JobResult } from "./lane.ts";

/** A request to a remote lane (a worker thread or Web Worker). `setup` says where its inputs and its output are. */
export type LaneRequest<Setup> =
  | { readonly ask: "begin"; readonly plan: MergePlan; readonly setup: Setup }
  | { readonly ask: "run"; readonly job: Job }
  | { readonly ask: "timings" }
  | { readonly ask: "spans" }
  /** Close the plan's files; no job of it follows. */
  | { readonly ask: "end" };

/** Bytes of the output and their offset. */
export interface Written {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Its answers, in the order of the requests. */
export type LaneAnswer =
  | { readonly answer: "begun" }
  | { readonly answer: "ended" }
  /** `written`: what the job wrote, if the lane cannot write into the output itself. */
  | { readonly answer: "done"; readonly result: JobResult; readonly written: readonly Written[] }
  | { readonly answer: "timings"; readonly timings: Timings }
  | { readonly answer: "spans"; readonly spans: readonly Span[] }
  | { readonly answer: "failed"; readonly error: ErrorMessage };
