import type { ErrorMessage } from "../core/errors.ts";
import type { HubAccess } from "../hub/hub-client.ts";
import type { RemoteFile } from "../hub/url-source.ts";
import type { Timings } from "../merge/clock.ts";
import type { Job, JobResult } from "../merge/lane.ts";
import type { MergePlan } from "../merge/plan.ts";

/** A file of an input as plain data: its path, bytes that were decoded into memory, or where it lies on the Hub. */
export type InputFile =
  | string
  | { readonly name: string; readonly bytes: Uint8Array }
  | ({ readonly remote: RemoteFile } & Pick<HubAccess, "endpoint" | "token">);

/** The files of each input, as its tensors count them. */
export type InputFiles = readonly (readonly InputFile[])[];

/** What a worker starts with. */
export interface WorkerStart {
  readonly kernels: WebAssembly.Module;
}

/** What a worker is asked. */
export type WorkerRequest =
  | {
      readonly ask: "begin";
      readonly plan: MergePlan;
      /** Each input's files, and the path of the output file. */
      readonly inputs: InputFiles;
      readonly output: string;
    }
  | { readonly ask: "run"; readonly job: Job }
  | { readonly ask: "timings" };

/** What it answers, in the order it was asked. */
export type WorkerAnswer =
  | { readonly answer: "begun" }
  | { readonly answer: "done"; readonly result: JobResult }
  | { readonly answer: "timings"; readonly timings: Timings }
  | { readonly answer: "failed"; readonly error: ErrorMessage };
