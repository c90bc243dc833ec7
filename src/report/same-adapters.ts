import { listed } from "../core/listed.ts";
import { cosineBetween, type DeltaProducts, normOf } from "../figures/delta.ts";
import type { Warning } from "../plan/warning.ts";

/** Two adapters above this cosine are the same, or nearly. */
const SAME_COSINE = 0.99;

function isSame(products: DeltaProducts, t: number, u: number): boolean {
  return (cosineBetween(products, t, u) ?? 0) > SAME_COSINE;
}

/** Warn once of all inputs that are the same as another, or nearly. */
export function sameAdapters(
  used: readonly { readonly name: string; readonly t: number }[],
  products: DeltaProducts,
): Warning[] {
  const pairs = used.flatMap((one, x) => used.slice(x + 1).map((other) => [one.t, other.t] as const));
  const same = pairs.filter(([t, u]) => isSame(products, t, u));
  if (same.length === 0) return [];
  const least = Math.min(...same.map(([t, u]) => cosineBetween(products, t, u)!)).toFixed(4);
  const nearly = `the same adapter, or nearly (${same.length === 1 ? "cosine" : "cosines from"} ${least})`;
  const groups = groupsOf(used, products).map((group) => listed(group.map(({ name }) => name)));
  const text =
    groups.length === 1
      ? `${groups[0]} are ${nearly}; keep one of them, unless it is to count more than once.`
      : `Each of these groups is ${nearly}: ${groups.join("; ")}. Keep one of each, unless it is to count more than once.`;
  return [{ id: "same-adapter", text }];
}

/** Inputs that are the same as another, with all that they are linked to by such pairs. */
function groupsOf<Input extends { readonly t: number }>(used: readonly Input[], products: DeltaProducts): Input[][] {
  let groups: Input[][] = [];
  for (const input of used) {
    const own = groups.filter((group) => group.some(({ t }) => isSame(products, t, input.t)));
    groups = [...groups.filter((group) => !own.includes(group)), [...own.flat(), input]];
  }
  return groups.filter((group) => group.length > 1).toSorted(([one], [other]) => one!.t - other!.t);
}

/** The inputs that are nearly another one that is kept, each with that one: of several the largest is kept, the first of equals. */
export function repeatedInputs(products: DeltaProducts): ReadonlyMap<number, number> {
  const bySize = products.cross
    .map((_, t) => t)
    .sort((one, other) => normOf(products, other) - normOf(products, one) || one - other);
  const repeated = new Map<number, number>();
  for (const [n, t] of bySize.entries()) {
    const kept = bySize.slice(0, n).find((other) => !repeated.has(other) && isSame(products, other, t));
    if (kept !== undefined) repeated.set(t, kept);
  }
  return repeated;
}
