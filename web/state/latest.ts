/** Something the page asked the worker for. */
export interface Question {
  /** Whether it still counts: no newer one was asked, and it was not cancelled. */
  current(): boolean;
  /** The answer, while the question counts; after that, the work that waits here ends without a word. */
  wait<Answer>(answer: Answer): Promise<Awaited<Answer>>;
}

/** One question at a time: what still arrives for an older one, be it an answer or an error, is dropped. */
export class Latest {
  readonly #onError: (error: unknown) => void;
  #newest = new AbortController();

  /** @param onError told what goes wrong with a question that counts */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Ask a new question; the one before it counts no more. */
  ask(work: (question: Question) => Promise<void>): Promise<void> {
    this.cancel();
    this.#newest = new AbortController();
    return this.also(work);
  }

  /** Do more for the newest question. */
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

  /** The newest question counts no more, and no other is asked. */
  cancel(): void {
    this.#newest.abort();
  }
}
