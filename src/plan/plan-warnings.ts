import type { Consumer } from "../adapter/consumers.ts";
import { expertGap } from "../adapter/experts.ts";
import { numberedList, renamedForTrainer } from "../adapter/names/numbered.ts";
import { maximum } from "../core/maximum.ts";
import { plural } from "../core/plural.ts";
import type { StoredModule } from "../formats/peft-folder/factors.ts";
import { type Method, sumOfRanks, type Target } from "../methods/method.ts";
import type { LooseRecipe } from "../recipe/recipe.ts";
import { startWarnings, zerosAdded } from "./for-consumer.ts";
import { mostPromised } from "./most-promised.ts";
import { budgetOf } from "./plan-budget.ts";
import type { MergeParts } from "./plan-parts.ts";
import type { RankPlan } from "./plan-ranks.ts";
import type { Warning } from "./warning.ts";

/** Warnings about the plan. */
export function planWarnings(
  recipe: LooseRecipe,
  method: Method,
  parts: MergeParts,
  ranks: RankPlan,
  consumer: Consumer | null,
  zeros: readonly StoredModule[],
): Warning[] {
  const { modules, rank } = ranks;
  return [
    ...zerosAdded(zeros),
    ...expertsIncomplete([...modules, ...zeros]),
    ...rankReduced(recipe.target, ranks, method),
    ...rankLimited(recipe.target, parts, consumer),
    ...startWarnings(consumer, rank),
    ...numbersKept(parts),
    ...leftOut(parts),
  ];
}

/** Warn that experts lack a projection without which they are not found. */
function expertsIncomplete(modules: readonly { readonly name: string }[]): Warning[] {
  const gap = expertGap(modules.map(({ name }) => name));
  if (gap === null) return [];
  const text = `The experts of ${gap.layer} have no ${gap.lacks}; PEFT under transformers 5 stacks all three projections of a layer and then does not load the others.`;
  return [{ id: "experts-incomplete", text }];
}

/** Warn that the rank asked for, or by default expected, is larger than any module can have, or a budget larger than all of them can use. */
function rankReduced(asked: Target | undefined, ranks: RankPlan, method: Method): Warning[] {
  const { modules, most, sum, rank } = ranks;
  const total = asked === undefined ? null : budgetOf(asked, modules.length);
  if (total !== null && sum < total) {
    const text = `The budget is ${plural(total, "rank")}, but the modules can use only ${sum}, so that is what they have together.`;
    return [{ id: "rank-reduced", text }];
  }
  // Without a rank that was asked for, only what a method drops is worth a word: zero adapters have one of their own.
  const byDefault = method.sparse ? mostPromised(ranks, method) : most;
  const promised = asked === undefined ? byDefault : asked.kind === "rank" ? asked.rank : most;
  if (promised <= most) return [];
  const text = `Rank ${promised} ${asked === undefined ? "is what these adapters ask for" : "was asked for"}, but ${whyReduced(ranks, method)}, so ${rank === most ? "that is the rank of the result" : `it is merged at that, and written as rank ${rank}`}.`;
  return [{ id: "rank-reduced", text }];
}

/** What keeps a result from the rank asked for: the adapters' units, the sizes of their matrices, or how much the method takes of them. */
function whyReduced({ modules, most }: RankPlan, method: Method): string {
  const shapes = modules.map(({ target, in: inputs, out, parts }) => {
    return { target, in: inputs, out, ranks: parts.map(({ module }) => module.rank) };
  });
  if (most === maximum(shapes.map(({ ranks }) => sumOfRanks(ranks)))) {
    return `no module has more than ${plural(most, "unit")}`;
  }
  // What is written may be less than what headers promise.
  if (most < mostPromised({ modules }, method)) {
    return `the merge leaves no module more than ${plural(most, "unit")} that ${most === 1 ? "is" : "are"} not zero`;
  }
  if (method.cut === "svd" && most === maximum(shapes.map(({ in: inputs, out }) => Math.min(inputs, out)))) {
    return `no module has a smaller side above ${most}`;
  }
  const why = method.plannedBecause === undefined ? "" : ` (${method.plannedBecause})`;
  return `${method.id} gives no module of these adapters a rank above ${most}${why}`;
}

/** Warn that the result has a smaller rank than an adapter because the consumer takes no larger one. */
function rankLimited(asked: Target | undefined, { sources }: MergeParts, consumer: Consumer | null): Warning[] {
  const [most, largest] = [consumer?.mostRank ?? Number.POSITIVE_INFINITY, maximum(sources.map(({ rank }) => rank))];
  if (asked !== undefined || largest <= most) return [];
  const text = `${consumer!.title} takes rank ${most} at most, so that is the rank of the result, though modules of the adapters have up to ${plural(largest, "unit")}.`;
  return [{ id: "rank-limited", text }];
}

/** Warn that modules have numbers for names, which the result keeps. */
function numbersKept({ modules }: MergeParts): Warning[] {
  const numbered = modules.find(({ name }) => numberedList(name) !== null);
  if (numbered === undefined) return [];
  const text = `The adapters number their modules (such as ${numbered.name}) instead of naming them, and only the code that trained them knows what the numbers mean: no program loads the result as it is; ${renamedForTrainer(numbered.name)}.`;
  return [{ id: "numbers-kept", text, module: numbered.name }];
}

/** Warn about adapters that add nothing. */
function leftOut({ adapters, weights, selection: { used }, modules }: MergeParts): Warning[] {
  const present = new Set(modules.flatMap(({ parts }) => parts.map(({ input }) => input)));
  return adapters.flatMap(({ name }, t) => {
    if (present.has(t)) return [];
    if (used[t]) return [{ id: "left-out", text: `${name} has none of the chosen modules, so it adds nothing.` }];
    const where = weights[t] === 0 ? "" : " in every module";
    return [{ id: "left-out", text: `${name} has weight 0${where} and is left out.` }];
  });
}
