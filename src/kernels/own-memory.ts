import type { Arena } from "./arena.ts";
import { instantiate } from "./wasm.ts";

/** What a large matrix needed is not kept for the next one: no plan counts it, and each thread would hold its own. */
const MAX_KEPT_BYTES = 16 * 2 ** 20;

/** Whether memory of a matrix is given up when its result is there. */
export function tooLargeToKeep(bytes: number): boolean {
  return bytes > MAX_KEPT_BYTES;
}

/** The functions and an empty arena for some arrays of these lengths, 8 bytes for each element and 16 more for each array. */
export type Begin<Functions> = (...lengths: readonly number[]) => {
  readonly wasm: Functions;
  readonly arena: Arena;
};

/**
 * A memory for small matrices beside the one that modules are read into, made at the first use. Every `begin` empties it: views from
 * before must not be used again.
 */
export function ownMemory<Functions>(): Begin<Functions> {
  let kept: ReturnType<Begin<Functions>> | undefined;
  return (...lengths) => {
    const bytes = lengths.reduce((sum, length) => sum + 8 * length + 16, 0);
    const made = kept ?? instantiate<Functions>();
    made.arena.reset(bytes);
    kept = tooLargeToKeep(bytes) ? undefined : made;
    return made;
  };
}
