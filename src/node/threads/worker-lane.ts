import { Worker } from "node:worker_threads";
import { kernelsModule } from "../../kernels/wasm.ts";
import type { LaneAnswer } from "../../lanes/lane-protocol.ts";
import { RemoteLane } from "../../lanes/remote-lane.ts";
import type { WorkerSetup, WorkerStart } from "./worker-protocol.ts";

/** Young objects of a lane are few and small. By default V8 lets each thread fill 48 MB with them before it looks which are dead. */
const YOUNG = { maxYoungGenerationSizeMb: 6 };

/** A lane on a worker thread. */
export function workerLane(): RemoteLane<WorkerSetup> {
  return new RemoteLane(({ answered, failed }) => {
    const workerData: WorkerStart = {
      kernels: kernelsModule(),
      created: performance.timeOrigin + performance.now(),
    };
    const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData, resourceLimits: YOUNG });
    worker.on("message", (answer: LaneAnswer) => answered(answer));
    worker.on("error", (error) => failed(error instanceof Error ? error : new Error(String(error))));
    worker.on("exit", (code) => failed(new Error(`a worker thread ended with exit code ${code}`)));
    return {
      post: (request) => worker.postMessage(request),
      close: async () => {
        await worker.terminate();
      },
    };
  });
}
