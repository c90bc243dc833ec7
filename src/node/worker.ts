import { parentPort, workerData } from "node:worker_threads";
import { errorMessage } from "../core/errors.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import { type DiskMerger, openDiskMerger } from "./disk-merger.ts";
import type { WorkerAnswer, WorkerRequest, WorkerStart } from "./worker-protocol.ts";

// A worker thread of a merge: begins with a plan, then does the jobs it is handed, one after the other.
const kernels = wasmKernels((workerData as WorkerStart).kernels);
let merger: DiskMerger | null = null;
let last: Promise<void> = Promise.resolve();

parentPort!.on("message", (request: WorkerRequest) => {
  last = last
    .then(() => answer(request))
    .catch((error): WorkerAnswer => ({ answer: "failed", error: errorMessage(error) }))
    .then((result) => parentPort!.postMessage(result));
});

async function answer(request: WorkerRequest): Promise<WorkerAnswer> {
  if (request.ask === "begin") {
    merger?.close();
    merger = openDiskMerger(kernels, request.plan, request.inputs, request.output);
    return { answer: "begun" };
  }
  if (merger === null) throw new Error("a worker was asked to run before it had a plan");
  if (request.ask === "timings") return { answer: "timings", timings: await merger.lane.timings() };
  return { answer: "done", result: await merger.lane.run(request.job) };
}
