import { parentPort, workerData } from "node:worker_threads";
import { wasmKernels } from "../../kernels/wasm.ts";
import { Clock } from "../../lanes/clock.ts";
import { laneServer } from "../../lanes/lane-server.ts";
import { openDiskMerger } from "./disk-merger.ts";
import { importMethod } from "./method-module.ts";
import type { WorkerSetup, WorkerStart } from "./worker-protocol.ts";

// A worker thread of a merge, which writes into the output file itself.
const { kernels: module, created } = workerData as WorkerStart;
const kernels = wasmKernels(module);
let started = false;
parentPort!.on(
  "message",
  laneServer<WorkerSetup>(
    async (plan, { methodModule, inputs, output, traced }) => {
      if (methodModule !== null) await importMethod(plan.method, methodModule);
      const clock = new Clock(traced);
      if (!started) clock.mark("start-up", created - performance.timeOrigin);
      started = true;
      return { ...openDiskMerger(kernels, plan, inputs, output, clock), takeWritten: () => [] };
    },
    (answer) => parentPort!.postMessage(answer),
  ),
);
