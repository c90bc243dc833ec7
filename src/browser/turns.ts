/** Runs one task after the other, in the order that they were asked for. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const own = this.#last.then(task);
    this.#last = own.catch(() => {});
    return own;
  }
}
