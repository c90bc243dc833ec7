import type { Job, Queue, QueueEvents } from "bullmq";
import { type ErrorMessage, QueueError, reviveError } from "../core/errors.ts";
import { contentId, decode } from "./wire.ts";

/** How often a job runs until it is put aside: after errors that may pass, and after workers that ended or fell silent. */
const ATTEMPTS = 3;
export const MAX_STALLS = 5;
const BACKOFF_MS = 1000;
/** Events say at once that a job is done; a look at the jobs themselves finds what events missed. */
const SWEEP_MS = 2000;
const UNFINISHED = ["wait", "active", "delayed"] as const;
/** A job that still waits for its next try after this long was delayed by a worker whose clock is ahead. */
const DELAYED_MS = 10_000;

interface Pending<Data, Result> {
  readonly name: string;
  readonly data: Data;
  readonly text: string;
  readonly since: number;
  /** Whether a result of it is being looked at. */
  settling: boolean;
  /** How many results were refused. */
  refused: number;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/** Turns the text of a result into the result. @throws for what is none, or is not true; the job is then done again */
type Accept<Data, Result> = (data: Data, text: unknown) => Promise<Result>;

/**
 * Sends the jobs of one work and waits for their results. A job is named by its content: asked for twice, it is sent once, and one that
 * an earlier producer sent is found again. What Redis forgot is sent again.
 */
export class Follower<Data extends object, Result> {
  readonly #queue: Queue;
  readonly #accept: Accept<Data, Result>;
  readonly #pending = new Map<string, Pending<Data, Result>>();
  readonly #asked = new Map<string, Promise<Result>>();
  readonly #sweeps: NodeJS.Timeout;
  /** When this process first saw which delayed job. */
  readonly #delayed = new Map<string, number>();
  #sweeping = false;
  /** Jobs whose worker ended or fell silent, so that another one got them. */
  stalls = 0;

  constructor(queue: Queue, events: QueueEvents, accept: Accept<Data, Result>) {
    this.#queue = queue;
    this.#accept = accept;
    const look = ({ jobId }: { jobId: string }): void => {
      this.#look(jobId).catch(() => {});
    };
    events.on("completed", look);
    events.on("failed", look);
    events.on("stalled", () => {
      this.stalls++;
    });
    this.#sweeps = setInterval(() => void this.#sweep(), SWEEP_MS);
  }

  /** @param name what people call the job @throws what the job throws on a worker; QueueError for one that was put aside */
  run(name: string, data: Data, text: string): Promise<Result> {
    const id = contentId(text);
    const known = this.#asked.get(id);
    if (known !== undefined) return known;
    const asked = new Promise<Result>((resolve, reject) => {
      this.#pending.set(id, {
        name,
        data,
        text,
        since: performance.now(),
        settling: false,
        refused: 0,
        resolve,
        reject,
      });
      this.#send(id).catch(reject);
    });
    this.#asked.set(id, asked);
    return asked;
  }

  /** Jobs that have no result yet. */
  get open(): number {
    return this.#pending.size;
  }

  /** Wait for nothing any more. */
  stop(reason: unknown): void {
    clearInterval(this.#sweeps);
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
  }

  /** Send a job, unless an earlier producer did; what failed for that one is tried again. */
  async #send(id: string): Promise<void> {
    const earlier = await this.#jobOf(id);
    if (earlier !== undefined && (await hasFailed(earlier))) await earlier.remove();
    else if (earlier !== undefined) return this.#settle(id, earlier);
    await this.#add(id);
  }

  async #add(id: string): Promise<void> {
    const { name, text } = this.#pending.get(id)!;
    const backoff = { type: "exponential", delay: BACKOFF_MS, jitter: 0.5 };
    await this.#queue.add(name, text, { jobId: id, attempts: ATTEMPTS, backoff });
  }

  async #jobOf(id: string): Promise<Job | undefined> {
    return (await this.#queue.getJob(id)) as Job | undefined;
  }

  async #look(id: string): Promise<void> {
    if (!this.#pending.has(id)) return;
    const job = await this.#jobOf(id);
    if (job !== undefined) await this.#settle(id, job);
    else if (this.#pending.has(id)) await this.#add(id);
  }

  async #settle(id: string, job: Job): Promise<void> {
    const pending = this.#pending.get(id);
    if (pending === undefined || pending.settling || job.finishedOn === undefined) return;
    pending.settling = true;
    let failed = false;
    try {
      failed = await hasFailed(job);
      if (failed) throw errorOf(pending.name, job);
      const result = await this.#accept(pending.data, job.returnvalue);
      this.#pending.delete(id);
      pending.resolve(result);
    } catch (error) {
      if (!failed && ++pending.refused < ATTEMPTS) {
        await job.remove();
        return this.#add(id);
      }
      this.#pending.delete(id);
      pending.reject(failed ? error : refusedResult(pending.name, job, error));
    } finally {
      pending.settling = false;
    }
  }

  /** Try again what has waited long enough by this process's own count, whatever clock its delay was set by. */
  async #promote(): Promise<void> {
    const delayed = (await this.#queue.getDelayed()) as Job[];
    for (const id of [...this.#delayed.keys()]) if (!delayed.some((job) => job.id === id)) this.#delayed.delete(id);
    for (const job of delayed) {
      const seen = this.#delayed.get(job.id!) ?? performance.now();
      this.#delayed.set(job.id!, seen);
      if (performance.now() - seen > DELAYED_MS) await job.promote();
    }
  }

  /** Look at the jobs that have ended, or that Redis has lost; one that waits, however long, costs no question of its own. */
  async #lookAtOld(): Promise<void> {
    const before = performance.now() - SWEEP_MS;
    const old = [...this.#pending].filter(([, { since }]) => since < before).map(([id]) => id);
    if (old.length === 0) return;
    const unfinished = new Set(await this.#queue.getRanges([...UNFINISHED], 0, -1));
    for (const id of old) if (!unfinished.has(id)) await this.#look(id);
  }

  async #sweep(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      await this.#lookAtOld();
      await this.#promote();
    } catch {
      // Redis is away; the next sweep looks again.
    } finally {
      this.#sweeping = false;
    }
  }
}

/**
 * Whether a job has failed for good; one that passed at its second try still has the reason of the first, and one whose worker returned
 * null has no more of a result than one that failed.
 */
async function hasFailed(job: Job): Promise<boolean> {
  return job.finishedOn !== undefined && job.returnvalue === null && (await job.isFailed());
}

/** Why a job has failed for good: an error of lora-lego in its own class, or that it was put aside. */
function errorOf(name: string, job: Job): Error {
  const reason = job.failedReason ?? "without a reason";
  const own = ownError(reason);
  if (own !== null) return own;
  const by = job.processedBy === undefined ? "" : `, last on ${job.processedBy}`;
  const why = /stalled more than/.test(reason)
    ? `its workers ended or fell silent ${job.stalledCounter} times while they worked on it${by}; it may need more memory than they have`
    : `it failed ${job.attemptsMade} times${by} (${reason.split("\n")[0]}); mend the cause`;
  return new QueueError(`${name} was put aside: ${why}, and start the same command again, which goes on from here.`);
}

function refusedResult(name: string, job: Job, error: unknown): QueueError {
  const why = error instanceof QueueError ? error.message : "which is no result of such a job; update that worker.";
  return new QueueError(`${job.processedBy ?? "A worker"} returned a result of ${name}, ${why}`);
}

function ownError(reason: string): Error | null {
  try {
    const told = decode(reason) as ErrorMessage;
    return typeof told.kind === "string" && typeof told.message === "string" ? reviveError(told) : null;
  } catch {
    return null;
  }
}
