import type { MethodId } from "../../src/methods/method-options.ts";
import { methodById } from "../../src/methods/registry.ts";
import type { Fix } from "../../src/plan/warning.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { recipeFlags } from "../../src/recipe/recipe-flags.ts";
import { fixCommand } from "../../src/report/fix-command.ts";
import type { AnyFix } from "../../src/report/fixes.ts";
import { type OpenAdapter, openAdapters, weigh } from "./adapters.ts";
import { advisedScale, type MadeMerge, recipe, typedRank } from "./merge.ts";

/** The adapters that a result was made of, as they are open now; null unless they are the open ones. */
export function openInputs({ report: { inputs } }: MadeMerge): readonly OpenAdapter[] | null {
  const open = openAdapters.value;
  const found = inputs.flatMap(
    ({ name, baseModel, modules }) =>
      open.find(({ name: own, card }) => own === name && card.baseModel === baseModel && card.modules === modules) ??
      [],
  );
  return found.length === inputs.length && found.length === open.length ? found : null;
}

/** The recipe of a result, changed as a fix says, and the weights of its adapters in the report's order. */
export function changedBy(
  { method, weights, leaves, rank, scale, dtype, options: wanted }: Fix,
  made: MadeMerge,
): { readonly asked: Recipe; readonly weights: readonly number[] } {
  // Another method has options and a rank of its own, which the overview recommends, and asks for another factor.
  const { options: _, scale: __, target: ___, ...others } = made.recipe;
  const before: Recipe = method === undefined ? made.recipe : others;
  const asked = {
    ...before,
    ...(method !== undefined && { method: method as MethodId }),
    ...(rank !== undefined && { target: { kind: "rank", rank } as const }),
    ...(scale !== undefined && { scale }),
    ...(dtype !== undefined && { dtype }),
    ...(wanted !== undefined && { options: { ...before.options, ...wanted } }),
  } as Recipe;
  const own = made.report.inputs.map(({ weight }, t) => (leaves?.includes(t) ? 0 : (weights?.[t] ?? weight)));
  return { asked, weights: own };
}

/** Fill the form and the weights with those of a result, changed as a fix says. @param inputs that it was made of */
export function applyFix(fix: Fix, made: MadeMerge, inputs: readonly OpenAdapter[]): void {
  const { asked, weights } = changedBy(fix, made);
  recipe.value = asked;
  if (fix.rank !== undefined) typedRank.value = false;
  // A factor that the result had already is as much the user's own as it was.
  if (fix.scale !== undefined) advisedScale.value = fix.scale;
  for (const [t, { key }] of inputs.entries()) weigh(key, weights[t]!);
}

/** The command line of a fix, for adapters of a result in folders of their names. */
export function commandOf(fix: AnyFix, { name, recipe: asked, report }: MadeMerge): string {
  const weights = report.inputs.map(({ weight }) => weight);
  const flags = recipeFlags({ ...asked, ...(weights.some((weight) => weight !== 1) && { weights }) });
  let copies = 1;
  return fixCommand(fix, {
    verb: "merge",
    paths: report.inputs.map((input) => input.name),
    out: name,
    ofMethod: Object.keys(methodById(String(report.options.method)).parameters),
    words: (takes) => flags.flatMap(({ name: own, words }) => (takes(own) ? words : [])),
    free: (path) => `${path}-${++copies}`,
  });
}
