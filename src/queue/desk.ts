/** Where a worker does the jobs of one work. */
export interface Desk {
  /**
   * @param text of the job
   * @returns the text of its result
   * @throws whatever goes wrong; an error of lora-lego other than RemoteError and QueueError is told to the producer at once
   */
  run(text: string): Promise<string>;
  close(): Promise<void>;
}

/** A job of another kind, or for something that the work does not have. */
export function strayJob(text: string): Error {
  return new Error(`there is no such job here: ${text.slice(0, 200)}`);
}
