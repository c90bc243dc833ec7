import { addTimings, noTimings } from "../lanes/clock.ts";
import type { Job, Lane } from "../lanes/lane.ts";
import { type WithHost, withDiskHost } from "../node/threads/disk-host.ts";
import type { LanePool, Started } from "./lane-pool.ts";

/** Merges on one thread of a pool, so that this one can go on telling Redis that it is alive. */
export function hostOnThreads(pool: LanePool): WithHost {
  return async (place, work) => {
    const begun: Started[] = [];
    try {
      return await withDiskHost(place, work, (plan, setup) => {
        begun.push({ plan, setup });
        return [laneOf(pool, begun.at(-1)!)];
      });
    } finally {
      for (const started of begun) await pool.end(started);
    }
  };
}

function laneOf(pool: LanePool, started: Started): Lane {
  const spent = noTimings();
  return {
    depth: 1,
    async run(job: Job) {
      const { result, timings } = await pool.run(started, job);
      addTimings(spent, timings);
      return result;
    },
    timings: async () => spent,
  };
}
