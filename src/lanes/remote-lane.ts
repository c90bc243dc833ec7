import { reviveError } from "../core/errors.ts";
import type { MergePlan } from "../plan/merge-plan.ts";
import type { Span, Timings } from "./clock.ts";
import type { Job, JobResult, Lane } from "./lane.ts";
import type { LaneAnswer, LaneRequest, Written } from "./lane-protocol.ts";

/** The owner's end of a worker. */
export interface LanePort<Setup> {
  post(request: LaneRequest<Setup>): void;
  close(): void | Promise<void>;
}

/** Receives a worker's messages. */
export interface LaneEvents {
  answered(answer: LaneAnswer): void;
  failed(error: Error): void;
}

/** A lane in a worker: a worker thread of Node, or a Web Worker. */
export class RemoteLane<Setup> implements Lane {
  /** One job runs while the next waits in the worker, so the worker never waits for a busy owner. */
  readonly depth = 2;
  readonly #port: LanePort<Setup>;
  readonly #waiting: { resolve(answer: LaneAnswer): void; reject(error: Error): void }[] = [];
  #write: (written: Written) => Promise<void> = async () => {};
  #ended: Error | null = null;
  #begun: Promise<unknown> = Promise.resolve();

  constructor(connect: (events: LaneEvents) => LanePort<Setup>) {
    this.#port = connect({
      // A Web Worker goes on after an error that it did not catch, and answers those that wait no more.
      answered: (answer) => this.#waiting.shift()?.resolve(answer),
      failed: (error) => this.#fail(error),
    });
  }

  /**
   * Start a plan, dropping earlier ones. Errors are thrown by the jobs that follow.
   *
   * @param write writes the bytes that the worker does not write itself; default that of the plan before
   */
  begin(plan: MergePlan, setup: Setup, write: (written: Written) => Promise<void> = this.#write): void {
    this.#write = write;
    this.#begun = this.#ask({ ask: "begin", plan, setup });
    this.#begun.catch(() => {});
  }

  /** End the plan: close its files, and take another when one begins. */
  async end(): Promise<void> {
    await this.#ask({ ask: "end" });
  }

  async run(job: Job): Promise<JobResult> {
    await this.#begun;
    const answer = await this.#ask({ ask: "run", job });
    if (answer.answer !== "done") throw new Error(`a worker answered ${answer.answer} to a job`);
    for (const written of answer.written) await this.#write(written);
    return answer.result;
  }

  async timings(): Promise<Timings> {
    const answer = await this.#ask({ ask: "timings" });
    if (answer.answer !== "timings") throw new Error(`a worker answered ${answer.answer} when asked for timings`);
    return answer.timings;
  }

  async spans(): Promise<readonly Span[]> {
    const answer = await this.#ask({ ask: "spans" });
    if (answer.answer !== "spans") throw new Error(`a worker answered ${answer.answer} when asked for spans`);
    return answer.spans;
  }

  async close(): Promise<void> {
    await this.#port.close();
    this.#fail(new Error("a worker was closed"));
  }

  async #ask(request: LaneRequest<Setup>): Promise<LaneAnswer> {
    if (this.#ended !== null) throw this.#ended;
    const answer = await new Promise<LaneAnswer>((resolve, reject) => {
      this.#port.post(request);
      this.#waiting.push({ resolve, reject });
    });
    if (answer.answer === "failed") throw reviveError(answer.error);
    return answer;
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}
