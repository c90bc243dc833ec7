import { VERSION } from "../core/version.ts";
import type { Span } from "./clock.ts";

/** The process of all events of a trace; its number means nothing. */
const PROCESS = 1;

/**
 * What each thread of a merge did when, as a trace that chrome://tracing and Perfetto open (Trace Event Format, complete events). The
 * caller's own thread is lane 0.
 */
export class Profile {
  readonly #lanes: Span[][] = [[]];
  #marked = performance.timeOrigin;

  /** Give the caller's thread a span from the last mark, or from the start of the process, until now. */
  mark(name: string): void {
    const now = performance.timeOrigin + performance.now();
    this.add(0, [{ name, start: this.#marked, end: now }]);
    this.#marked = now;
  }

  /** Add spans of a lane. */
  add(lane: number, spans: readonly Span[]): void {
    this.#lanes[lane] ??= [];
    this.#lanes[lane].push(...spans);
  }

  /** The trace as JSON: times in microseconds from the first span on, a thread for each lane, outer spans before inner ones. */
  toString(): string {
    const all = this.#lanes.flat();
    const origin = all.reduce((least, { start }) => Math.min(least, start), Number.POSITIVE_INFINITY);
    const names = this.#lanes.map((_, tid) => ({
      name: "thread_name",
      ph: "M",
      pid: PROCESS,
      tid,
      args: { name: tid === 0 ? "lane 0, the caller's thread" : `lane ${tid}` },
    }));
    const events = this.#lanes.flatMap((spans, tid) =>
      spans
        .toSorted((one, other) => one.start - other.start || other.end - one.end)
        .map(({ name, start, end }) => ({
          name,
          ph: "X",
          pid: PROCESS,
          tid,
          ts: 1000 * (start - origin),
          dur: 1000 * (end - start),
        })),
    );
    const tool = `lora-lego ${VERSION}`;
    return JSON.stringify({ version: 1, tool, displayTimeUnit: "ms", traceEvents: [...names, ...events] });
  }
}
