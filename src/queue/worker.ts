import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Worker } from "bullmq";
import { errorMessage, LoraLegoError, QueueError, RefusedError, RemoteError } from "../core/errors.ts";
import { VERSION } from "../core/version.ts";
import type { LlamaModule } from "../node/evaluate/llama.ts";
import { withScratch } from "../node/output/scratch.ts";
import { Board, queueName } from "./board.ts";
import { type Reached, reachQueue } from "./bull.ts";
import type { Desk } from "./desk.ts";
import { MAX_STALLS } from "./follower.ts";
import { LanePool } from "./lane-pool.ts";
import { openMergeDesk } from "./merge-desk.ts";
import { Roots } from "./roots.ts";
import { openScoreDesk } from "./score-desk.ts";
import { decode, encode } from "./wire.ts";
import { queueSchemas, type Work } from "./work.ts";

/** How often a worker looks for new work. */
const LOOK_MS = 500;
/** How long it leaves alone what it could not do. */
const AGAIN_MS = 30_000;
/** A worker that failed this many jobs of a work one after the other leaves it alone for a while: fewer than a job has tries. */
const MOST_FAILURES = 2;
/** A worker that tells Redis nothing for this long has ended, and its jobs go to others. */
const PATIENCE_MS = 30_000;

/** How a worker runs. */
export interface WorkerControl {
  readonly url: string;
  /** Folders below which it reads and writes, and addresses below which it reads. */
  readonly roots: readonly string[];
  /** How many jobs it does at once. */
  readonly lanes: number;
  /** Folder of finished scores; null to keep them as long as it runs. */
  readonly cache: string | null;
  /** Default 30 s. */
  readonly patienceMs?: number;
  /** The package node-llama-cpp. Default: the one that `loadLlama` finds. */
  readonly llama?: LlamaModule;
  /** Stops it, once the jobs that it has begun are done. */
  readonly signal: AbortSignal;
  readonly onNotice: (text: string) => void;
}

interface Served {
  readonly desk: Desk;
  readonly worker: Worker;
  /** Why each job failed here since the last one that did not. */
  failures: string[];
}

/** Take jobs from a queue until the signal fires. @throws as `reachQueue` */
export async function runWorker(control: WorkerControl): Promise<void> {
  const roots = new Roots(control.roots);
  const reached = await reachQueue(control.url);
  await withScratch("worker", async (scratch) => {
    const serving = new Serving(control, reached, roots, scratch);
    control.onNotice(`${serving.name} takes jobs of lora-lego ${VERSION} (${control.lanes} at once).`);
    try {
      let failed = "";
      while (!control.signal.aborted) {
        try {
          // Where Redis is away this waits for it.
          await orStopped(serving.look(), control.signal);
          failed = "";
        } catch (error) {
          const why = (error as Error).message;
          if (why !== failed) control.onNotice(`Cannot look for work (${why}); trying again.`);
          failed = why;
        }
        await setTimeout(LOOK_MS, null, { signal: control.signal }).catch(() => {});
      }
    } finally {
      await serving.close();
      await reached.close().catch(() => {});
    }
  });
}

/** What a worker serves: a desk and a BullMQ worker for each work that it can do. */
class Serving {
  readonly name: string = `${hostname()}:${process.pid}`;
  readonly #control: WorkerControl;
  readonly #reached: Reached;
  readonly #roots: Roots;
  readonly #board: Board;
  readonly #pool: LanePool;
  readonly #scratch: string;
  #opened = 0;
  readonly #served = new Map<string, Served>();
  /** Sick work whose last jobs are still under way. */
  readonly #ending = new Set<Promise<void>>();
  #looking: Promise<void> = Promise.resolve();
  #closing = false;
  /** Work that is left to others until a job of it is done, and when to look at it again: a folder may be mounted later. */
  readonly #left = new Map<string, number>();

  constructor(control: WorkerControl, reached: Reached, roots: Roots, scratch: string) {
    this.#scratch = scratch;
    this.#control = control;
    this.#reached = reached;
    this.#roots = roots;
    this.#board = new Board(reached.client);
    this.#pool = new LanePool(control.lanes);
  }

  /** Open what is new on the board, and close what has gone. */
  look(): Promise<void> {
    this.#looking = this.#look();
    return this.#looking;
  }

  async #look(): Promise<void> {
    const works = await this.#board.works();
    for (const [id, served] of [...this.#served]) {
      if (works.includes(id)) continue;
      this.#served.delete(id);
      await closeServed(served, true);
    }
    for (const [id, served] of [...this.#served]) {
      if (served.failures.length < MOST_FAILURES) continue;
      this.#served.delete(id);
      await this.#leave(id, `Its last ${MOST_FAILURES} jobs failed (${served.failures.at(-1)}); mend the cause.`);
      // Its other jobs may take long.
      const closing = closeServed(served, false).finally(() => this.#ending.delete(closing));
      this.#ending.add(closing);
    }
    for (const id of works) {
      if (!this.#served.has(id) && (this.#left.get(id) ?? 0) <= performance.now()) await this.#open(id);
    }
    for (const { worker } of this.#served.values()) {
      worker.concurrency = Math.max(1, Math.floor(this.#control.lanes / this.#served.size));
    }
  }

  /** End once the jobs that it has begun are done; where Redis is away and cannot be told of them, at once. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#unlessAway(this.#looking.catch(() => {}));
    const away = this.#reached.isAway();
    // All at once, so that none takes another job while one ends its own.
    const closing = [...this.#served.values()].map((served) => closeServed(served, away));
    await this.#unlessAway(Promise.all([...closing, ...this.#ending]));
    await this.#pool.close();
  }

  /** Wait for something as long as Redis is there. */
  async #unlessAway(work: Promise<unknown>): Promise<void> {
    let done = false;
    const ended = work.then(() => {
      done = true;
    });
    while (!done && !this.#reached.isAway()) await Promise.race([ended, setTimeout(100)]);
  }

  async #open(id: string): Promise<void> {
    const text = await this.#board.textOf(id);
    if (text === null) return;
    try {
      const desk = await this.#desk((await queueSchemas()).work.parse(decode(text)));
      if (this.#closing) return await desk.close();
      this.#served.set(id, this.#start(id, desk));
    } catch (error) {
      const { name, message } = error as Error;
      await this.#leave(id, name === "ZodError" ? "It does not understand the description of the jobs." : message);
    }
  }

  /** Leave work to others for a while, and say why the first time. */
  async #leave(id: string, why: string): Promise<void> {
    const isNew = !this.#left.has(id);
    this.#left.set(id, performance.now() + AGAIN_MS);
    // What has been finished meanwhile is nobody's work.
    if (!isNew || (await this.#board.textOf(id)) === null) return;
    await this.#board.refuse(id, this.name, why);
    this.#control.onNotice(`Leaves jobs to others: ${why}`);
  }

  #desk(work: Work): Promise<Desk> {
    if (work.version !== VERSION) {
      throw new RefusedError(
        `It is lora-lego ${VERSION}, but the jobs are of ${work.version}; install the same version.`,
      );
    }
    if (work.kind === "merge") return openMergeDesk(work, this.#roots, this.#pool);
    const { lanes, cache, llama } = this.#control;
    const scratch = join(this.#scratch, `work-${this.#opened++}`);
    return openScoreDesk(work, this.#roots, {
      lanes,
      pool: this.#pool,
      scratch,
      cache: cache ?? join(this.#scratch, "scores"),
      ...(llama && { llama }),
    });
  }

  #start(id: string, desk: Desk): Served {
    const { bull, connection } = this.#reached;
    const patience = this.#control.patienceMs ?? PATIENCE_MS;
    const worker = new bull.Worker(
      queueName(id),
      async (job) => {
        try {
          return await desk.run(String(job.data));
        } catch (error) {
          if (!isFinal(error)) throw error;
          throw new bull.UnrecoverableError(encode(errorMessage(error)));
        }
      },
      {
        connection,
        name: this.name,
        concurrency: this.#control.lanes,
        lockDuration: patience,
        stalledInterval: patience,
        maxStalledCount: MAX_STALLS,
      },
    );
    worker.on("error", () => {});
    const served: Served = { desk, worker, failures: [] };
    worker.on("completed", () => {
      served.failures = [];
      this.#left.delete(id);
    });
    worker.on("failed", (_, { name, message }) => {
      // One that fails for good is told to the producer, and says nothing of this machine.
      if (name === "UnrecoverableError") return;
      served.failures.push(message);
      // So that it fails no more jobs until it is closed.
      if (served.failures.length >= MOST_FAILURES) void worker.pause(true);
    });
    return served;
  }
}

/** Settles as the work does, or once the signal fires. */
function orStopped(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/** Whether an error comes again however often the job runs. */
function isFinal(error: unknown): boolean {
  return error instanceof LoraLegoError && !(error instanceof RemoteError || error instanceof QueueError);
}

/** @param atOnce without waiting for its jobs: nobody waits for them any more, or can be told of them */
async function closeServed({ desk, worker }: Served, atOnce: boolean): Promise<void> {
  await worker.close(atOnce).catch(() => {});
  await desk.close();
}
