import { cosineBetween, type DeltaProducts, normOf } from "../figures/delta.ts";
import type { Warning } from "../plan/warning.ts";

/** Two adapters above this cosine are the same, or nearly. */
const SAME_COSINE = 0.99;

function isSame(products: DeltaProducts, t: number, u: number): boolean {
  return (cosineBetween(products, t, u) ?? 0) > SAME_COSINE;
}

/** Warn about every two inputs that are the same, or nearly. */
export function sameAdapters(
  used: readonly { readonly name: string; readonly t: number }[],
  products: DeltaProducts,
): Warning[] {
  const pairs = used.flatMap((one, x) => used.slice(x + 1).map((other) => [one, other] as const));
  return pairs.flatMap(([one, other]) => {
    if (!isSame(products, one.t, other.t)) return [];
    const cosine = cosineBetween(products, one.t, other.t)!.toFixed(4);
    const text = `${one.name} and ${other.name} are the same adapter, or nearly (cosine ${cosine}); is one of them passed twice?`;
    return [{ id: "same-adapter", text }];
  });
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
