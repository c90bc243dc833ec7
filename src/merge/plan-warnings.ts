import type { Adapter } from "../adapter/adapter.ts";
import { plural } from "../core/plural.ts";
import type { Target } from "../methods/method.ts";
import type { Selection } from "./selection.ts";
import type { Warning } from "./warning.ts";

/** Say that the rank that was asked for is more than there is. */
export function rankReduced(asked: Target | undefined, most: number): Warning[] {
  if (asked?.kind !== "rank" || asked.rank <= most) return [];
  const text = `Rank ${asked.rank} was asked for, but no module comes to more than ${plural(most, "unit")}, so that is the result's rank.`;
  return [{ id: "rank-reduced", text }];
}

/** Say which adapters add nothing. */
export function leftOut(
  adapters: readonly Adapter[],
  weights: readonly number[],
  { used }: Selection,
  modules: readonly { readonly parts: readonly { readonly input: number }[] }[],
): Warning[] {
  const present = new Set(modules.flatMap(({ parts }) => parts.map(({ input }) => input)));
  return adapters.flatMap(({ name }, t) => {
    if (present.has(t)) return [];
    if (used[t]) return [{ id: "left-out", text: `${name} has none of the chosen modules, so it adds nothing.` }];
    const where = weights[t] === 0 ? "" : " in every module";
    return [{ id: "left-out", text: `${name} has weight 0${where} and is left out.` }];
  });
}
