/** Runs tasks one after the other, in the order of the calls. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const own = this.#last.then(task);
    this.#last = own.catch(() => {});
    return own;
  }
}
