/** A request from the page to the worker. */
export interface Question {
  /** Whether it still counts: there is no newer one, and it was not cancelled. */
  current(): boolean;
  /** Wait for an answer; if the question no longer counts then, the work that waits here ends silently. */
  wait<Answer>(answer: Answer): Promise<Awaited<Answer>>;
}

/** One question at a time: answers and errors for older ones are dropped. */
export class Latest {
  readonly #onError: (error: unknown) => void;
  #newest = new AbortController();

  /** @param onError called with the error of a question that still counts */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Ask a new question; the one before it no longer counts. */
  ask(work: (question: Question) => Promise<void>): Promise<void> {
    this.cancel();
    this.#newest = new AbortController();
    return this.also(work);
  }

  /** Do more work for the newest question. */
  async also(work: (question: Question) => Promise<void>): Promise<void> {
    const { signal } = this.#newest;
    const question: Question = {
      current: () => !signal.aborted,
      wait: async <Answer>(answer: Answer): Promise<Awaited<Answer>> => {
        const found = await answer;
        signal.throwIfAborted();
        return found;
      },
    };
    try {
      await work(question);
    } catch (error) {
      if (!signal.aborted) this.#onError(error);
    }
  }

  /** The newest question no longer counts, and no other is asked. */
  cancel(): void {
    this.#newest.abort();
  }
}
