import { maximum } from "../core/maximum.ts";

/** Memory that a merge may use over all threads. */
const MAX_TOTAL_BYTES = 2 ** 30;

/** How many of the `wanted` threads fit into memory if each merges the largest module; at least one. */
export function affordableThreads(
  wanted: number,
  modules: readonly { readonly memory: { readonly bytes: number }; readonly held: number }[],
): number {
  const largest = maximum(modules.map(({ memory, held }) => memory.bytes + held));
  return Math.max(1, Math.min(wanted, Math.floor(MAX_TOTAL_BYTES / Math.max(1, largest))));
}
