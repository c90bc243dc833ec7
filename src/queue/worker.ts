import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Worker } from "bullmq";
import { errorMessage, HubError, LoraLegoError, QueueError, RefusedError } from "../core/errors.ts";
import { VERSION } from "../core/version.ts";
import type { LlamaModule } from "../node/evaluate/llama.ts";
import { withScratch } from "../node/output/scratch.ts";
import { Board, queueName } from "./board.ts";
import { type Reached, reachQueue } from "./bull.ts";
import type { Desk } from "./desk.ts";
import { MAX_STALLS } from "./follower.ts";
import { LanePool } from "./lane-pool.ts";
import { openMergeDesk } from "./merge-desk.ts";
import { Roots } from "./places.ts";
import { openScoreDesk } from "./score-desk.ts";
import { decode, encode } from "./wire.ts";
import { queueSchemas, type Work } from "./work.ts";

/** How often a worker looks for new work. */
const LOOK_MS = 500;
/** How long it leaves alone what it could not do. */
const AGAIN_MS = 30_000;
/** A worker that tells Redis nothing for this long has ended, and its jobs go to others. */
const PATIENCE_MS = 30_000;

/** How a worker runs. */
export interface WorkerControl {
  readonly url: string;
  /** Folders below which it reads and writes. */
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
          await serving.look();
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
  /** Work that is left to others, and when to look at it again: a folder may be mounted later. */
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
  async look(): Promise<void> {
    const works = await this.#board.works();
    for (const [id, served] of [...this.#served]) {
      if (works.includes(id)) continue;
      this.#served.delete(id);
      await closeServed(served, true);
    }
    for (const id of works) {
      if (!this.#served.has(id) && (this.#left.get(id) ?? 0) <= performance.now()) await this.#open(id);
    }
    for (const { worker } of this.#served.values()) {
      worker.concurrency = Math.max(1, Math.floor(this.#control.lanes / this.#served.size));
    }
  }

  async close(): Promise<void> {
    // All at once, so that none takes another job while one ends its own.
    await Promise.all([...this.#served.values()].map((served) => closeServed(served, false)));
    await this.#pool.close();
  }

  async #open(id: string): Promise<void> {
    const text = await this.#board.textOf(id);
    if (text === null) return;
    try {
      const desk = await this.#desk((await queueSchemas()).work.parse(decode(text)));
      this.#served.set(id, { desk, worker: this.#start(id, desk) });
      this.#left.delete(id);
    } catch (error) {
      const isNew = !this.#left.has(id);
      this.#left.set(id, performance.now() + AGAIN_MS);
      // What has been finished meanwhile is nobody's work.
      if (!isNew || (await this.#board.textOf(id)) === null) return;
      const { name, message } = error as Error;
      const why = name === "ZodError" ? "It does not understand the description of the jobs." : message;
      await this.#board.refuse(id, this.name, why);
      this.#control.onNotice(`Leaves jobs to others: ${why}`);
    }
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
      scratch,
      cache: cache ?? join(this.#scratch, "scores"),
      ...(llama && { llama }),
    });
  }

  #start(id: string, desk: Desk): Worker {
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
    return worker;
  }
}

/** Whether an error comes again however often the job runs. */
function isFinal(error: unknown): boolean {
  return error instanceof LoraLegoError && !(error instanceof HubError || error instanceof QueueError);
}

/** @param gone whether nobody waits for its jobs any more */
async function closeServed({ desk, worker }: Served, gone: boolean): Promise<void> {
  await worker.close(gone).catch(() => {});
  await desk.close();
}
