import { existsSync } from "node:fs";

/** Signals that ask a process to exit; SIGHUP is sent when its terminal closes. */
const INTERRUPTIONS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Work that was stopped, and the folder of what was done before. */
export class InterruptedWork extends Error {
  override readonly name: string = "AbortError";
  /** A folder from which the same command goes on. */
  readonly stays: string;

  constructor(stays: string) {
    super(`Interrupted; what is done so far stays in ${stays}.`);
    this.stays = stays;
  }
}

/**
 * Do work that stops early and cleans up when the process is asked to exit.
 *
 * @param stays a folder that keeps what is done, so that the same work goes on from there; null if there is none
 * @throws InterruptedWork if it was stopped and that folder is there
 */
export async function untilInterrupted<T>(
  work: (signal: AbortSignal) => Promise<T>,
  stays: string | null = null,
): Promise<T> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const signal of INTERRUPTIONS) process.once(signal, onSignal);
  try {
    return await work(stop.signal);
  } catch (error) {
    const stopped = error instanceof Error && error.name === "AbortError";
    throw stopped && stays !== null && existsSync(stays) ? new InterruptedWork(stays) : error;
  } finally {
    for (const signal of INTERRUPTIONS) process.off(signal, onSignal);
  }
}
