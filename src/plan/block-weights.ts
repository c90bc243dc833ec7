import type { Adapter } from "../adapter/adapter.ts";
import { spellingsOf } from "../adapter/names/spellings-of.ts";
import { UsageError } from "../core/errors.ts";
import { familyById } from "../families/families.ts";
import type { Family } from "../families/family.ts";
import type { LooseRecipe } from "../recipe/recipe.ts";

/** What a module's weight in an adapter is multiplied by, by the adapter's index and the module's name. */
export type BlockWeight = (adapter: number, module: string) => number;

/**
 * The factors of a recipe's blockWeights: one list for each adapter, with a number for each block of its family, or one number for all.
 *
 * @throws UsageError for a list that does not fit the blocks of its adapter's family, or where no family is known
 */
export function blockWeights(adapters: readonly Adapter[], { blockWeights: lists }: LooseRecipe): BlockWeight {
  if (lists === undefined) return () => 1;
  const factors = adapters.map((adapter, t) => factorsOf(adapter, lists[t]!));
  return (adapter, module) => factors[adapter]!(module);
}

function factorsOf({ name, families: ids }: Adapter, list: readonly number[]): (module: string) => number {
  const [first, ...others] = list;
  if (others.length === 0) return () => first!;
  const families = ids.map(familyById);
  if (families.length === 0) {
    throw new UsageError(
      `${name} has no denoiser of an image or video model that lora-lego knows, so its blocks are not known; give it one number for all its modules, or use --module-weights.`,
    );
  }
  const family = families.find(({ blocks }) => blocks.lists.some(({ length }) => length === list.length));
  if (family === undefined) throw unfit(name, families, list.length);
  const { lists, unlisted } = family.blocks;
  const blocks = lists.find(({ length }) => length === list.length)!;
  const numbers = new Map(blocks.map((block, i) => [block, list[i]!]));
  const known = new Map<string, number>();
  const factorOf = (module: string): number => {
    const { block = [] } = spellingsOf(families, module) ?? {};
    const own = block.find((one) => numbers.has(one));
    if (own !== undefined) return numbers.get(own)!;
    return block.length === 0 ? 1 : unlisted;
  };
  return (module) => {
    if (!known.has(module)) known.set(module, factorOf(module));
    return known.get(module)!;
  };
}

function unfit(name: string, families: readonly Family[], length: number): UsageError {
  const [{ title }] = families as [Family, ...Family[]];
  const lengths = families.flatMap(({ blocks }) => blocks.lists.map((list) => list.length));
  const known = [...new Set(lengths)].sort((one, other) => one - other);
  const takes =
    known.length === 0 ? "has no known number of blocks" : `takes ${known.join(", ").replace(/, (\d+)$/, " or $1")}`;
  return new UsageError(
    `There are ${length} block weights for ${name}, but ${title} ${takes}; give one number for each block, or one for all (docs/formats/families.md lists the blocks).`,
  );
}
