import { CONSUMER_IDS } from "../adapter/consumers.ts";
import { UsageError } from "../core/errors.ts";
import { nearest } from "../core/suggest.ts";
import { AFTER_STEPS, type Method } from "../methods/method.ts";
import { DTYPE_CHOICES, EXTRAS_POLICIES, RANK_LAYOUTS, type Recipe } from "./recipe.ts";

const FIELDS: Readonly<Record<keyof Recipe, true>> = {
  method: true,
  options: true,
  target: true,
  after: true,
  weights: true,
  scale: true,
  dtype: true,
  extras: true,
  allowPartial: true,
  for: true,
  rankLayout: true,
  include: true,
  exclude: true,
  moduleWeights: true,
};
const TARGETS = ["rank", "share", "energy", "full"];

/**
 * Refuse what the types of a recipe refuse, for callers in plain JavaScript: unknown fields and options, and values that are no choice.
 *
 * @throws UsageError naming the field, and the one that was most likely meant
 */
export function checkRecipe(recipe: Recipe, method: Method): void {
  refuseUnknown(Object.keys(recipe), Object.keys(FIELDS), "The recipe has a field");
  refuseOther("dtype", recipe.dtype, DTYPE_CHOICES);
  refuseOther("after", recipe.after, AFTER_STEPS);
  refuseOther("extras", recipe.extras, EXTRAS_POLICIES);
  refuseOther("for", recipe.for, CONSUMER_IDS);
  refuseOther("rankLayout", recipe.rankLayout, RANK_LAYOUTS);
  if (recipe.target !== undefined) refuseOther("target.kind", recipe.target?.kind ?? recipe.target, TARGETS);
  const defaults = method.defaults as Readonly<Record<string, unknown>>;
  const options = recipe.options ?? {};
  refuseUnknown(Object.keys(options), Object.keys(defaults), `${method.id} is given an option`);
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === typeof defaults[name] && !Number.isNaN(value)) continue;
    throw new UsageError(
      `The option ${name} of ${method.id} is ${String(value)}, but must be a ${typeof defaults[name]}.`,
    );
  }
}

/** Validate a method's options by its schema; loads zod, so only where there are any. @throws UsageError naming the option */
export async function checkOptions(recipe: Recipe, method: Method): Promise<void> {
  const options = recipe.options ?? {};
  if (Object.keys(options).length === 0) return;
  const { z } = await import("zod");
  const parsed = method.schema(z).safeParse(options);
  if (parsed.success) return;
  const [issue] = parsed.error.issues;
  throw new UsageError(`The option ${issue!.path.join(".")} of ${method.id}: ${issue!.message}.`);
}

function refuseUnknown(names: readonly string[], known: readonly string[], who: string): void {
  const stray = names.find((name) => !known.includes(name));
  if (stray === undefined) return;
  const meant = nearest(stray, known);
  const advice = meant === null ? `there are ${known.join(", ") || "none"}` : `did you mean ${meant}?`;
  throw new UsageError(`${who} ${JSON.stringify(stray)}, which there is not; ${advice}`);
}

function refuseOther(field: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value as string)) return;
  throw new UsageError(`The recipe's ${field} is ${JSON.stringify(value)}, but must be one of ${choices.join(", ")}.`);
}
