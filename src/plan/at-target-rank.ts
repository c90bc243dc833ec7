import type { Adapter } from "../adapter/adapter.ts";
import { atLeadingUnits } from "../adapter/lycoris/leading.ts";
import type { Method } from "../methods/method.ts";
import type { FilledRecipe } from "../recipe/recipe-fields.ts";

/**
 * Read a single adapter that is only cut to a rank by its singular values at that rank, where its Kronecker products have more units: they
 * need not be laid out to find the leading ones, and there may be thousands.
 *
 * @param counts whether each adapter takes part
 */
export function atTargetRank(
  adapters: readonly Adapter[],
  counts: readonly boolean[],
  { target, after, scale }: FilledRecipe,
  { cut, resizes }: Method,
): readonly Adapter[] {
  const plain = cut === "svd" && resizes !== undefined && after === undefined && scale !== "auto";
  if (!plain || target?.kind !== "rank" || counts.filter((counted) => counted).length !== 1) return adapters;
  return adapters.map((adapter, t) => (counts[t] ? atLeadingUnits(adapter, target.rank) : adapter));
}
