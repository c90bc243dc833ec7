import { LoraLegoError } from "../core/errors.ts";
import { noTimings, type Timings } from "../lanes/clock.ts";
import type { Job, JobResult } from "../lanes/lane.ts";
import type { RemoteLane } from "../lanes/remote-lane.ts";
import { workerLane } from "../node/threads/worker-lane.ts";
import type { WorkerSetup } from "../node/threads/worker-protocol.ts";
import type { MergePlan } from "../plan/merge-plan.ts";

/** A plan as lanes begin it. */
export interface Started {
  readonly plan: MergePlan;
  readonly setup: WorkerSetup;
}

interface Slot {
  /** null until it has a job. */
  lane: RemoteLane<WorkerSetup> | null;
  started: Started | null;
  timings: Timings;
}

/**
 * Threads that run the jobs of any plan, so that this thread can go on telling Redis that it is alive. A thread that died is replaced.
 */
export class LanePool {
  readonly #free: Slot[];
  readonly #waiting: ((slot: Slot) => void)[] = [];
  readonly #slots: readonly Slot[];

  constructor(lanes: number) {
    this.#slots = Array.from({ length: lanes }, () => ({ lane: null, started: null, timings: noTimings() }));
    this.#free = [...this.#slots];
  }

  /** Run a job on a free thread. @returns its result, and what its time went to */
  async run(started: Started, job: Job): Promise<{ readonly result: JobResult; readonly timings: Timings }> {
    const slot = this.#free.pop() ?? (await new Promise<Slot>((resolve) => this.#waiting.push(resolve)));
    try {
      slot.lane ??= workerLane();
      if (slot.started !== started) {
        slot.lane.begin(started.plan, started.setup);
        Object.assign(slot, { started, timings: noTimings() });
      }
      const result = await slot.lane.run(job);
      const [before, after] = [slot.timings, await slot.lane.timings()];
      slot.timings = after;
      const spent = (share: keyof Timings): [string, number] => [share, Math.max(0, after[share] - before[share])];
      return { result, timings: Object.fromEntries((Object.keys(after) as (keyof Timings)[]).map(spent)) as never };
    } catch (error) {
      slot.started = null;
      if (!(error instanceof LoraLegoError)) {
        await slot.lane?.close();
        slot.lane = null;
      }
      throw error;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(slot);
      else next(slot);
    }
  }

  /** End a plan whose jobs are done, so that no free thread keeps its files open. */
  async end(started: Started): Promise<void> {
    const own = this.#free.filter((slot) => slot.started === started);
    await Promise.all(
      own.map(async (slot) => {
        slot.started = null;
        try {
          await slot.lane!.end();
        } catch {
          await slot.lane?.close();
          slot.lane = null;
        }
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#slots.map(({ lane }) => lane?.close()));
  }
}
