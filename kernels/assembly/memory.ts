// The fixed area below the arena; kernels/README.md draws the map. All addresses are multiples of 16.

/** Partial 4 x 4 blocks are staged here: 4 source rows of 32 bytes, then 4 result rows of 16 bytes. */
// @ts-ignore: decorator
@inline export const EDGE_IN: usize = 0;
// @ts-ignore: decorator
@inline export const EDGE_OUT: usize = 128;

/** The sums of a tile on the edge of a matrix: 2 x 4 f64. */
// @ts-ignore: decorator
@inline export const EDGE_SUMS: usize = 192;

/** Two groups of packed panels; `multiply` keeps its sums between them. */
// @ts-ignore: decorator
@inline export const PANELS: usize = 256;
// @ts-ignore: decorator
@inline export const PANEL_ROWS: usize = 4;
/** Bytes of one step of a panel: a vector of each row. */
// @ts-ignore: decorator
@inline export const STEP_BYTES: usize = PANEL_ROWS * 16;
// @ts-ignore: decorator
@inline export const GROUP_ROWS: usize = 128;
// @ts-ignore: decorator
@inline export const PANEL_STEPS: usize = 128;
// @ts-ignore: decorator
@inline export const GROUP_BYTES: usize = GROUP_ROWS * PANEL_STEPS * 16;
/** Panels of columns stand one step further apart, so that the vectors of one row do not compete for the same cache sets. */
// @ts-ignore: decorator
@inline export const PANEL_GAPS: usize = 32 * STEP_BYTES;

/** Where the host's arena begins. */
export const ARENA_START: usize = PANELS + 2 * GROUP_BYTES + PANEL_GAPS;

/** memory.copy calls out of the wasm code: for a few bytes a loop is faster. */
export function copyFewBytes(to: usize, from: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i++) store<u8>(to + i, load<u8>(from + i));
}
