import type { RecommendedMerge } from "../../src/analysis/audit/set-facts.ts";
import { PAPER } from "../../src/methods/lego/options.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { openAdapters, weigh } from "./adapters.ts";
import { fillForm } from "./merge.ts";
import { options } from "./module.ts";
import { leadTo } from "./tabs.ts";

/** Fill the form of a merge with LEGO at a rank, as the module is shown, and show it. */
export function mergeAtK(rank: number): void {
  const { gauge, sign, metric } = options.value;
  const changed = Object.entries({ gauge, sign, metric }).filter(([name, value]) => value !== PAPER[name as "gauge"]);
  fillForm({
    method: "lego",
    ...(changed.length > 0 && { options: Object.fromEntries(changed) }),
    target: { kind: "rank", rank },
  });
  leadTo("merge");
}

/** Fill the form and the weights with a merge that the overview recommends, and show it; where it names no weights, the user's stay. */
export function mergeAsRecommended(
  method: string,
  { rank, leaves, extras }: Pick<RecommendedMerge, "rank" | "leaves" | "extras">,
  weights: readonly number[] | null = null,
): void {
  fillForm({ method, ...(extras !== null && { extras }), target: { kind: "rank", rank } } as Recipe);
  for (const [t, { key, weight }] of openAdapters.value.entries())
    weigh(key, leaves.includes(t) ? 0 : (weights?.[t] ?? weight));
  leadTo("merge");
}
