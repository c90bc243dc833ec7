import type { Queue, QueueEvents } from "bullmq";
import { Board, queueName } from "./board.ts";
import { type Reached, reachQueue, shownUrl } from "./bull.ts";
import { Follower } from "./follower.ts";
import { encode } from "./wire.ts";
import type { Work } from "./work.ts";

/** The last this many events of a queue are kept; each may hold a result. */
const EVENTS = 200;
const STATUS_MS = 2000;
/** After this long without a worker, the producer says so. */
const PATIENCE_MS = 30_000;

/** How a producer's jobs get on. */
export interface QueueStatus {
  readonly done: number;
  readonly waiting: number;
  readonly perMinute: number;
  /** Jobs that went to another worker because theirs ended or fell silent. */
  readonly handedOn: number;
  readonly working: readonly { readonly worker: string; readonly job: string }[];
}

/** What a producer tells while it waits. */
export interface ProducerControl {
  readonly signal?: AbortSignal;
  readonly onStatus?: (status: QueueStatus) => void;
  /** Called with a sentence about workers that leave the jobs to others, or are missing. */
  readonly onNotice?: (text: string) => void;
}

/** The jobs of a work. */
export interface OpenWork<Data extends object, Result> {
  /** @param name what people call the job */
  run(name: string, data: Data): Promise<Result>;
}

interface Followed {
  readonly id: string;
  readonly text: string;
  readonly queue: Queue;
  readonly events: QueueEvents;
  readonly follower: Follower<object, unknown>;
}

/** One command's side of a queue: announces work, sends its jobs, follows them, and clears away what is done. */
export class Producer {
  readonly #reached: Reached;
  readonly #board: Board;
  readonly #control: ProducerControl;
  readonly #url: string;
  readonly #works: Followed[] = [];
  readonly #told = new Set<string>();
  readonly #status: NodeJS.Timeout;
  readonly #start = performance.now();
  #telling: Promise<void> | null = null;
  #done = 0;
  #news = performance.now();

  private constructor(reached: Reached, url: string, control: ProducerControl) {
    this.#reached = reached;
    this.#board = new Board(reached.client);
    this.#url = url;
    this.#control = control;
    this.#status = setInterval(() => {
      this.#telling ??= this.#tell()
        .catch(() => {})
        .finally(() => {
          this.#telling = null;
        });
    }, STATUS_MS);
    control.signal?.addEventListener("abort", () => this.#stop(control.signal!.reason));
  }

  /** Do work with a producer, and let go of its connections. @throws as `reachQueue` */
  static async with<T>(url: string, control: ProducerControl, work: (producer: Producer) => Promise<T>): Promise<T> {
    const producer = new Producer(await reachQueue(url), url, control);
    try {
      await producer.#clearForgotten();
      return await work(producer);
    } finally {
      await producer.#close();
    }
  }

  /**
   * Announce work.
   *
   * @param accept checks a result and turns it into what `run` returns; the job is done again if it throws
   */
  async open<Data extends object, Result>(
    work: Work,
    accept: (data: Data, text: unknown) => Promise<Result>,
  ): Promise<OpenWork<Data, Result>> {
    this.#control.signal?.throwIfAborted();
    const { bull, connection } = this.#reached;
    const text = encode(work);
    const id = await this.#board.announce(text);
    const queue = new bull.Queue(queueName(id), { connection, streams: { events: { maxLen: EVENTS } } });
    const events = new bull.QueueEvents(queueName(id), { connection });
    const away = (): void => this.#once("away", `${shownUrl(this.#url)} does not answer; waiting for it.`);
    queue.on("error", away);
    events.on("error", away);
    await events.waitUntilReady();
    const follower = new Follower<Data, Result>(queue, events, accept);
    this.#works.push({ id, text, queue, events, follower: follower as unknown as Follower<object, unknown> });
    // It may have been told to end while it waited for Redis.
    this.#control.signal?.throwIfAborted();
    return {
      run: async (name, data) => {
        const result = await follower.run(name, data, encode(data));
        this.#done++;
        this.#news = performance.now();
        return result;
      },
    };
  }

  /** Clear away all work, once its results are where they belong. */
  async finish(): Promise<void> {
    clearInterval(this.#status);
    // It may be about to announce work again.
    await this.#telling;
    for (const { id, queue } of this.#works) {
      await this.#board.withdraw(id);
      await queue.obliterate({ force: true });
    }
  }

  /** Clear away the queues of producers that never came back. */
  async #clearForgotten(): Promise<void> {
    const { bull, connection } = this.#reached;
    for (const id of await this.#board.works()) {
      if ((await this.#board.textOf(id)) !== null) continue;
      const queue = new bull.Queue(queueName(id), { connection });
      await queue.obliterate({ force: true });
      await queue.close();
      await this.#board.withdraw(id);
    }
  }

  async #tell(): Promise<void> {
    const { onStatus, onNotice } = this.#control;
    const open = this.#works.filter(({ follower }) => follower.open > 0);
    const working: { worker: string; job: string }[] = [];
    for (const { id, text, queue } of open) {
      // Redis may have lost it, or be about to forget it.
      await this.#board.announce(text);
      for (const [worker, why] of Object.entries(await this.#board.refusals(id))) {
        this.#once(`${worker} ${why}`, `${worker} leaves these jobs to others: ${why}`);
      }
      for (const { processedBy, name } of await queue.getActive(0, 99)) {
        if (processedBy !== undefined) working.push({ worker: processedBy, job: name });
      }
    }
    if (working.length > 0) this.#news = performance.now();
    const waiting = open.reduce((sum, { follower }) => sum + follower.open, 0);
    if (waiting > 0 && onNotice !== undefined && performance.now() - this.#news > PATIENCE_MS) {
      this.#once(
        "idle",
        `No worker has taken these jobs yet; start one: lora-lego worker --queue ${shownUrl(this.#url)}`,
      );
    }
    const perMinute = (60_000 * this.#done) / (performance.now() - this.#start);
    const handedOn = this.#works.reduce((sum, { follower }) => sum + follower.stalls, 0);
    if (waiting > 0) onStatus?.({ done: this.#done, waiting, perMinute, handedOn, working });
  }

  /** Tell something once. */
  #once(key: string, text: string): void {
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#control.onNotice?.(text);
  }

  #stop(reason: unknown): void {
    for (const { follower } of this.#works) follower.stop(reason);
  }

  async #close(): Promise<void> {
    clearInterval(this.#status);
    this.#stop(new Error("the producer was closed"));
    const closing = this.#works.flatMap(({ queue, events }) => [queue.close(), events.close()]);
    await Promise.allSettled([...closing, this.#reached.close()]);
  }
}
