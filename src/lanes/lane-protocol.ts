import type { ErrorMessage } from "../core/errors.ts";
import type { MergePlan } from "../plan/merge-plan.ts";
import type { Timings } from "./clock.ts";
import type { Job, JobResult } from "./lane.ts";

/** What a lane elsewhere (a worker thread, a Web Worker) is asked. `setup` says where its inputs and its output are. */
export type LaneRequest<Setup> =
  | { readonly ask: "begin"; readonly plan: MergePlan; readonly setup: Setup }
  | { readonly ask: "run"; readonly job: Job }
  | { readonly ask: "timings" };

/** Bytes of the output and their place in it. */
export interface Written {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What it answers, in the order it was asked. */
export type LaneAnswer =
  | { readonly answer: "begun" }
  /** `written`: what the job wrote, where the lane cannot write into the output itself. */
  | { readonly answer: "done"; readonly result: JobResult; readonly written: readonly Written[] }
  | { readonly answer: "timings"; readonly timings: Timings }
  | { readonly answer: "failed"; readonly error: ErrorMessage };
