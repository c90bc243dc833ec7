import { Worker } from "node:worker_threads";
import { reviveError } from "../core/errors.ts";
import { kernelsModule } from "../kernels/wasm.ts";
import type { Timings } from "../merge/clock.ts";
import type { Job, JobResult, Lane } from "../merge/lane.ts";
import type { MergePlan } from "../merge/plan.ts";
import type { InputFiles, WorkerAnswer, WorkerRequest, WorkerStart } from "./worker-protocol.ts";

/** A lane on a worker thread. */
export class WorkerLane implements Lane {
  /** One job is under way while the next one waits in the worker, so that it never waits for a busy thread to hand it on. */
  readonly depth = 2;
  readonly #worker: Worker;
  readonly #waiting: { resolve(answer: WorkerAnswer): void; reject(error: Error): void }[] = [];
  #ended: Error | null = null;
  #begun: Promise<unknown> = Promise.resolve();

  constructor() {
    const workerData: WorkerStart = { kernels: kernelsModule() };
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { workerData });
    this.#worker.on("message", (answer: WorkerAnswer) => this.#waiting.shift()!.resolve(answer));
    this.#worker.on("error", (error) => this.#fail(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on("exit", (code) => this.#fail(new Error(`a worker thread ended with exit code ${code}`)));
  }

  /** Take up a plan; earlier ones are dropped. What goes wrong is thrown by the jobs that follow. */
  begin(plan: MergePlan, inputs: InputFiles, output: string): void {
    this.#begun = this.#ask({ ask: "begin", plan, inputs, output });
    this.#begun.catch(() => {});
  }

  async run(job: Job): Promise<JobResult> {
    await this.#begun;
    const answer = await this.#ask({ ask: "run", job });
    if (answer.answer !== "done") throw new Error(`a worker answered ${answer.answer} to a job`);
    return answer.result;
  }

  async timings(): Promise<Timings> {
    const answer = await this.#ask({ ask: "timings" });
    if (answer.answer !== "timings") throw new Error(`a worker answered ${answer.answer} when asked for timings`);
    return answer.timings;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  async #ask(request: WorkerRequest): Promise<WorkerAnswer> {
    if (this.#ended !== null) throw this.#ended;
    const answer = await new Promise<WorkerAnswer>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(request);
    });
    if (answer.answer === "failed") throw reviveError(answer.error);
    return answer;
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}
