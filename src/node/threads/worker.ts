import { parentPort, workerData } from "node:worker_threads";
import { wasmKernels } from "../../kernels/wasm.ts";
import { laneServer } from "../../lanes/lane-server.ts";
import { openDiskMerger } from "./disk-merger.ts";
import { importMethod } from "./method-module.ts";
import type { WorkerSetup, WorkerStart } from "./worker-protocol.ts";

// A worker thread of a merge, which writes into the output file itself.
const kernels = wasmKernels((workerData as WorkerStart).kernels);
parentPort!.on(
  "message",
  laneServer<WorkerSetup>(
    async (plan, { methodModule, inputs, output }) => {
      if (methodModule !== null) await importMethod(plan.method, methodModule);
      return { ...openDiskMerger(kernels, plan, inputs, output), takeWritten: () => [] };
    },
    (answer) => parentPort!.postMessage(answer),
  ),
);
