import type { ByteSource } from "../core/bytes.ts";
import type { Kernels } from "../kernels/kernels.ts";

/** What a merge spends its time on; seconds, summed over threads. */
export interface Timings {
  read: number;
  widen: number;
  gram: number;
  cluster: number;
  centre: number;
  write: number;
  hash: number;
}

/** Timings of zero, to add to. */
export function noTimings(): Timings {
  return { read: 0, widen: 0, gram: 0, cluster: 0, centre: 0, write: 0, hash: 0 };
}

/** Add `other` to `sum`, in place. */
export function addTimings(sum: Timings, other: Timings): void {
  for (const share of Object.keys(sum) as (keyof Timings)[]) sum[share] += other[share];
}

/** A stretch of a thread's time: what for, and from when to when, in milliseconds since the epoch. Spans nest. */
export interface Span {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Books time under shares. Time that no kernel and no read booked goes to the caller of `bookRest`. */
export class Clock {
  readonly timings: Timings = noTimings();
  /** What was booked, in the order in which it ended; null if nobody asked for it. */
  readonly spans: Span[] | null;

  /** @param traced whether spans are kept, for a profile */
  constructor(traced = false) {
    this.spans = traced ? [] : null;
  }

  /** Run `work` and book its time. */
  book<T>(share: keyof Timings, work: () => T): T {
    const start = performance.now();
    const result = work();
    this.timings[share] += this.mark(share, start) / 1000;
    return result;
  }

  /** Run `work` and book its time until it settles. */
  async bookAsync<T>(share: keyof Timings, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.timings[share] += this.mark(share, start) / 1000;
    }
  }

  /** Run `work` and book under `share` the time that nothing else booked meanwhile. */
  async bookRest<T>(share: keyof Timings, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const before = this.#booked();
    const result = await work();
    this.timings[share] += this.mark(share, start) / 1000 - (this.#booked() - before);
    return result;
  }

  /** Note a span that ends now and counts under no share. @param start by `performance.now()` @returns its milliseconds */
  mark(name: string, start: number): number {
    const end = performance.now();
    const { timeOrigin } = performance;
    this.spans?.push({ name, start: timeOrigin + start, end: timeOrigin + end });
    return end - start;
  }

  #booked(): number {
    return Object.values(this.timings).reduce((sum, seconds) => sum + seconds, 0);
  }
}

const KERNEL_SHARES: Readonly<Record<string, keyof Timings>> = {
  widen: "widen",
  widenTransposed: "widen",
  gram: "gram",
  gramF64: "gram",
  manhattan: "gram",
  combine: "centre",
  multiply: "centre",
  electedMean: "centre",
  prune: "centre",
  scale: "centre",
  maxAbs: "centre",
  squaredNorms: "centre",
};

/** The same kernels, their time booked. */
export function timedKernels(kernels: Kernels, clock: Clock): Kernels {
  const timed = Object.create(kernels) as Record<string, unknown>;
  for (const [name, share] of Object.entries(KERNEL_SHARES)) {
    const kernel = (kernels[name as keyof Kernels] as (...args: unknown[]) => unknown).bind(kernels);
    timed[name] = (...args: unknown[]) => clock.book(share, () => kernel(...args));
  }
  return timed as unknown as Kernels;
}

/** The same source, its time booked as reading. */
export function timedSource(source: ByteSource, clock: Clock): ByteSource {
  const { name, size } = source;
  return { name, size, read: (offset, into) => clock.bookAsync("read", () => source.read(offset, into)) };
}
