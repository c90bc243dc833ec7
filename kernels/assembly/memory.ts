// The fixed area below the arena; kernels/README.md draws the map. All addresses are multiples of 16.

/** Partial 4 x 4 blocks are staged here: 4 source rows of 32 bytes, then 4 result rows of 16 bytes. */
// @ts-ignore: decorator
@inline export const EDGE_IN: usize = 0;
// @ts-ignore: decorator
@inline export const EDGE_OUT: usize = 128;

/** Two rows of f64 sums of `multiply`. */
// @ts-ignore: decorator
@inline export const SUMS: usize = 256;
// @ts-ignore: decorator
@inline export const SUMS_WIDTH: usize = 256;

/** Two groups of packed row panels of the pair kernels. */
// @ts-ignore: decorator
@inline export const PANELS: usize = 4352;
// @ts-ignore: decorator
@inline export const PANEL_ROWS: usize = 4;
// @ts-ignore: decorator
@inline export const GROUP_ROWS: usize = 128;
// @ts-ignore: decorator
@inline export const PANEL_STEPS: usize = 128;
// @ts-ignore: decorator
@inline export const GROUP_BYTES: usize = GROUP_ROWS * PANEL_STEPS * 16;

/** Where the host's arena begins. */
export const ARENA_START: usize = PANELS + 2 * GROUP_BYTES;

/** memory.copy calls out of the wasm code: for a few bytes a loop is faster. */
export function copyFewBytes(to: usize, from: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i++) store<u8>(to + i, load<u8>(from + i));
}
