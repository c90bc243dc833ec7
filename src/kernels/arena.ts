import { UsageError } from "../core/errors.ts";
import type { RowSums } from "./kernels.ts";

/** Every view starts at a multiple of this, so that vectors do not cross cache lines needlessly. */
const ALIGNMENT_BYTES = 16;

/** Room for the alignment of about a thousand views, so that callers can simply add up sizes. */
const SLACK_BYTES = 16 * 1024;

/** WebAssembly's 32-bit addresses, minus the last page so that no end address wraps to 0; both backends use this limit. */
const MAX_BYTES = 2 ** 32 - 2 ** 16;

/** The memory half of `Kernels`. */
export interface Arena {
  reset(bytes: number): void;
  f32(length: number): Float32Array;
  f64(length: number): Float64Array;
  u32(length: number): Uint32Array;
  bytes(length: number): Uint8Array;
  checkpoint(): () => void;
}

/**
 * A bump allocator over the buffer that `provide(end)` returns, which must hold `end` bytes; the bytes below `start` are left alone.
 * It is empty until the first `reset`, which throws a UsageError if the memory would end beyond 4 GB. A view without room is a
 * mistake in the caller's sum and throws a RangeError.
 */
export function createArena(start: number, provide: (end: number) => ArrayBuffer): Arena {
  let buffer = new ArrayBuffer(0);
  let next = start;
  let end = start;

  function take(bytes: number): number {
    const at = next;
    if (!(at + bytes <= end)) {
      throw new RangeError(
        `The kernel arena has ${end - at} bytes left, but ${bytes} are needed; reset() asked for too few.`,
      );
    }
    next = at + Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    return at;
  }

  return {
    reset(bytes) {
      const needed = start + bytes + SLACK_BYTES;
      if (!(needed <= MAX_BYTES)) throw outOfMemory(bytes);
      try {
        buffer = provide(needed);
      } catch (cause) {
        throw new UsageError(
          `One module needs ${bytes} bytes of working memory at once, but the system has no more; close other programs, raise the limit on memory (ulimit -v), or merge fewer adapters or smaller ranks at a time.`,
          { cause },
        );
      }
      next = start;
      end = needed;
    },
    f32: (length) => new Float32Array(buffer, take(length * 4), length),
    f64: (length) => new Float64Array(buffer, take(length * 8), length),
    u32: (length) => new Uint32Array(buffer, take(length * 4), length),
    bytes: (length) => new Uint8Array(buffer, take(length), length),
    checkpoint() {
      const at = next;
      return () => {
        next = at;
      };
    },
  };
}

function outOfMemory(bytes: number): UsageError {
  return new UsageError(
    `One module needs ${bytes} bytes of working memory at once, but WebAssembly memory ends at 4 GB; merge fewer adapters or smaller ranks at a time.`,
  );
}

/**
 * Guard of every kernel, because wasm code checks no array bounds.
 * @throws RangeError if `view` is shorter than `length`.
 */
export function requireLength(view: { readonly length: number }, length: number, what: string): void {
  if (!(view.length >= length)) {
    throw new RangeError(`A kernel needs ${length} elements of ${what}, but the view has ${view.length}.`);
  }
}

/** Guard of `combine`. @throws RangeError if a list is too short or names a missing row. */
export function requireRows(rows: Float32Array, stride: number, length: number, sums: RowSums): void {
  const { offsets, members, coefficients } = sums;
  const total = offsets.at(-1)!;
  requireLength(members, total, "members");
  requireLength(coefficients, total, "coefficients");
  let last = -1;
  for (let m = 0; m < total; m++) if (members[m]! > last) last = members[m]!;
  requireLength(rows, extentOf(last + 1, stride, length), "rows");
}

/** Elements from the first of the first row to the last of the last row. */
export function extentOf(count: number, stride: number, length: number): number {
  return count === 0 || length === 0 ? 0 : (count - 1) * stride + length;
}
