/** Signals that ask a process to exit; SIGHUP is sent when its terminal closes. */
const INTERRUPTIONS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Do work that stops early and cleans up when the process is asked to exit. */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const signal of INTERRUPTIONS) process.once(signal, onSignal);
  try {
    return await work(stop.signal);
  } finally {
    for (const signal of INTERRUPTIONS) process.off(signal, onSignal);
  }
}
