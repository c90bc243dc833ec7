/** Up to the number of a block; the middle block of a UNet has none. */
const BLOCK = /^(?:(?:mid|middle)_block|.*?(?:block|layer|refiner)s?\.\d+)(?=\.)/;

/** The path of the block that a path is in, such as double_blocks.3; null outside of blocks. */
export function blockOf(path: string): string | null {
  return BLOCK.exec(path)?.[0] ?? null;
}

/** How people who weigh the blocks of a model write that. */
export interface BlockNotes {
  /** Short names of blocks, and of other places, by path; # is a number, which has two digits in the name. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** The blocks that the numbers of a list are for, by short names, one list for each length. */
  readonly lists: readonly (readonly string[])[];
  /** What a list gives blocks that it does not name. */
  readonly unlisted: 0 | 1;
}

/** Short names with numbers of two digits, from first to last. */
export function numbered(letters: string, first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => letters + twoDigits(first + i));
}

const twoDigits = (number: string | number): string => String(number).padStart(2, "0");

/** A path's short names, and what follows them in the path; none where it has no short name. */
export function shortNames(
  { names }: BlockNotes,
  path: string,
): { readonly names: readonly string[]; readonly rest: string } {
  const place = blockOf(path) ?? path.split(".")[0]!;
  const number = /\d+$/.exec(place)?.[0];
  const found = names[number === undefined ? place : `${place.slice(0, -number.length)}#`] ?? [];
  return { names: found.map((name) => name.replace("#", twoDigits(number ?? ""))), rest: path.slice(place.length) };
}

/** The notes of a model whose blocks people weigh without short names: its lists have a number for each block. */
export function plainNotes(sizes: readonly { readonly blocks: Readonly<Record<string, number>> }[]): BlockNotes {
  const lists = sizes.map(({ blocks }) =>
    Object.entries(blocks).flatMap(([list, count]) => Array.from({ length: count }, (_, i) => `${list}.${i}`)),
  );
  // Sizes of the same blocks differ in width alone.
  const lengths = lists.map(({ length }) => length);
  return { names: {}, lists: lists.filter(({ length }, i) => lengths.indexOf(length) === i), unlisted: 1 };
}
