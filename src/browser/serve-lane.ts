import type { Kernels } from "../kernels/kernels.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import { type Lane, localLane } from "../lanes/lane.ts";
import type { LaneRequest, Written } from "../lanes/lane-protocol.ts";
import { laneServer } from "../lanes/lane-server.ts";
import { Merger } from "../lanes/merger.ts";
import type { MergePlan } from "../plan/merge-plan.ts";
import { type HandedFile, openHanded } from "./handed-files.ts";
import { type Hashing, sha256Of } from "./hash.ts";
import type { PageInputs } from "./page-lanes.ts";

/** The part of a worker's global scope that its side of a lane needs. */
export interface WorkerScope {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

/** The worker's side: merges modules and hands their bytes over. */
export function serveLane(scope: WorkerScope, hashing: Hashing): void {
  const kernels = wasmKernels();
  const take = laneServer<PageInputs>(
    (plan, inputs) => openPageLane(plan, inputs, kernels, hashing),
    (answer) => {
      const written = answer.answer === "done" ? answer.written : [];
      scope.postMessage(
        answer,
        written.map(({ bytes }) => bytes.buffer as ArrayBuffer),
      );
    },
  );
  scope.onmessage = ({ data }: MessageEvent<LaneRequest<PageInputs>>) => take(data);
}

/** The hash of an input; for a file on the Hub the Hub's own value, and null for several such files. */
async function hashOf(name: string, files: readonly HandedFile[], hashing: Hashing): Promise<string | null> {
  const remote = files.flatMap((file) => ("remote" in file ? [file.remote.sha256] : []));
  if (remote.length > 0) return remote.length === 1 ? remote[0]! : null;
  return sha256Of(name, files, hashing);
}

function openPageLane(plan: MergePlan, inputs: PageInputs, kernels: Kernels, hashing: Hashing) {
  let written: Written[] = [];
  const sink = {
    async write(offset: number, bytes: Uint8Array): Promise<void> {
      written.push({ offset, bytes: bytes.slice() });
    },
  };
  const sources = inputs.map((files, t) => files.map((file) => openHanded(plan.inputs[t]!.name, file)));
  const lane: Lane = localLane(new Merger(kernels, plan, sources, sink), (input) =>
    hashOf(plan.inputs[input]!.name, inputs[input]!, hashing),
  );
  return {
    lane,
    takeWritten(): readonly Written[] {
      const taken = written;
      written = [];
      return taken;
    },
    close(): void {},
  };
}
