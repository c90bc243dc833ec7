import { errorMessage } from "../core/errors.ts";
import type { MergePlan } from "../plan/merge-plan.ts";
import type { Lane } from "./lane.ts";
import type { LaneAnswer, LaneRequest, Written } from "./lane-protocol.ts";

/** A lane at work on a plan, in a worker. */
export interface ServedLane {
  readonly lane: Lane;
  /** Take the bytes written since the last call, if the lane does not write into the output itself. */
  takeWritten(): readonly Written[];
  close(): void;
}

/**
 * The worker's side of a RemoteLane: begins a plan, then runs the jobs it gets, one after the other.
 *
 * @param open makes a lane for a plan
 * @param send sends an answer to the owner
 * @returns the handler of requests
 */
export function laneServer<Setup>(
  open: (plan: MergePlan, setup: Setup) => ServedLane | Promise<ServedLane>,
  send: (answer: LaneAnswer) => void,
): (request: LaneRequest<Setup>) => void {
  let served: ServedLane | null = null;
  let last: Promise<void> = Promise.resolve();

  async function answer(request: LaneRequest<Setup>): Promise<LaneAnswer> {
    if (request.ask === "begin") {
      served?.close();
      served = await open(request.plan, request.setup);
      return { answer: "begun" };
    }
    if (request.ask === "end") {
      served?.close();
      served = null;
      return { answer: "ended" };
    }
    if (served === null) throw new Error("a worker was asked to run before it had a plan");
    if (request.ask === "timings") return { answer: "timings", timings: await served.lane.timings() };
    if (request.ask === "spans") return { answer: "spans", spans: (await served.lane.spans?.()) ?? [] };
    const result = await served.lane.run(request.job);
    return { answer: "done", result, written: served.takeWritten() };
  }

  return (request) => {
    last = last
      .then(() => answer(request))
      .catch((error): LaneAnswer => ({ answer: "failed", error: errorMessage(error) }))
      .then(send);
  };
}
