import type { Adapter } from "../adapter/adapter.ts";
import { spellingsOf } from "../adapter/names/spellings-of.ts";
import { compareNaturally } from "../core/natural-order.ts";
import { familyById } from "../families/families.ts";

/** What an adapter changes in one block of an image or video model. */
export interface InspectedBlock {
  /** What people call it, such as IN04, D07, te1 or blocks.3. */
  readonly name: string;
  /** Number of its modules in the adapter. */
  readonly modules: number;
  /** Frobenius norm of their deltas together. */
  readonly norm: number;
}

/**
 * The blocks of an adapter of a known family, in the model's order; none for other adapters.
 *
 * @param modules the adapter's, with the norms of their deltas
 */
export function blocksOf(
  { families: ids }: Pick<Adapter, "families">,
  modules: readonly { readonly name: string; readonly norm: number }[],
): readonly InspectedBlock[] {
  const families = ids.map(familyById);
  const order = families.flatMap(
    ({ blocks }) => blocks.lists.toSorted((one, other) => other.length - one.length)[0] ?? [],
  );
  const found = new Map<string, { readonly place: number; count: number; squares: number }>();
  for (const { name, norm } of modules) {
    const { block = [] } = spellingsOf(families, name) ?? {};
    const [first] = block;
    if (first === undefined) continue;
    const places = block.map((one) => order.indexOf(one)).filter((place) => place >= 0);
    const own = found.get(first) ?? { place: Math.min(order.length, ...places), count: 0, squares: 0 };
    own.count += 1;
    own.squares += norm * norm;
    found.set(first, own);
  }
  return [...found]
    .sort(([one, a], [other, b]) => a.place - b.place || compareNaturally(one, other))
    .map(([name, { count, squares }]) => ({ name, modules: count, norm: Math.sqrt(squares) }));
}

/** What people call the block that a module is part of; null where no family names it. */
export function blockNames(adapters: readonly Pick<Adapter, "families">[]): (module: string) => string | null {
  const families = [...new Set(adapters.flatMap(({ families: ids }) => ids))].map(familyById);
  return (module) => spellingsOf(families, module)?.block[0] ?? null;
}
