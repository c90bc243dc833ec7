/** Up to the number of a block; the middle block of a UNet has none. */
const BLOCK = /^(?:(?:mid|middle)_block|.*?(?:block|layer|refiner)s?\.\d+)(?=\.)/;

/** The path of the block that a path is in, such as double_blocks.3; null outside of blocks. */
export function blockOf(path: string): string | null {
  return BLOCK.exec(path)?.[0] ?? null;
}
