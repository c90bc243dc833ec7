import type { LaneAnswer } from "../lanes/lane-protocol.ts";
import { RemoteLane } from "../lanes/remote-lane.ts";
import type { HandedFile } from "./handed-files.ts";

/** The files of each input, in the order that its tensors refer to. */
export type PageInputs = readonly (readonly HandedFile[])[];

/** The part of a Web Worker that a lane needs. */
export interface WorkerLike {
  postMessage(message: unknown): void;
  terminate(): void;
  onmessage: ((event: MessageEvent) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

/** A lane in a Web Worker that runs `serveLane`, which is in a file of its own: what merges is no part of what a page begins with. */
export function pageLane(worker: WorkerLike): RemoteLane<PageInputs> {
  return new RemoteLane(({ answered, failed }) => {
    worker.onmessage = ({ data }: MessageEvent<LaneAnswer>) => answered(data);
    worker.onerror = ({ message }) => failed(new Error(message || "a worker of the page did not start"));
    return { post: (request) => worker.postMessage(request), close: () => worker.terminate() };
  });
}
