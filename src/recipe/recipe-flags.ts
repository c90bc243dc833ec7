import { kebab } from "../core/kebab.ts";
import { shellWord } from "../core/shell-word.ts";
import type { LooseRecipe, ModuleWeights } from "./recipe.ts";
import { FIELD_NAMES, type FieldName, fieldsOf, RECIPE_FIELDS, type SaidRecipe } from "./recipe-fields.ts";

/** A flag of `merge` with its value, as words for a shell. */
export interface RecipeFlag {
  /** The field, or the option of the method. */
  readonly name: string;
  readonly words: readonly string[];
}

/** What a recipe says, as flags of `merge`. A rank of "full" has no flag: methods that have it take it by themselves. */
export function recipeFlags({ options = {}, target, ...fields }: LooseRecipe): RecipeFlag[] {
  const said = { ...fields, ...(target !== undefined && fieldsOf(target)) };
  const own = FIELD_NAMES.flatMap((name) => valuesOf(name, said).map((value) => flag(name, value)));
  return [...own, ...Object.entries(options).map(([name, value]) => flag(name, shownOption(value)))];
}

/** The values that a field's flag is given, one for each time; null is a flag without a value. */
function valuesOf(name: FieldName, said: SaidRecipe): (string | null)[] {
  const value = said[name];
  if (value === undefined || value === "full" || value === false) return [];
  if (value === true) return [null];
  switch (RECIPE_FIELDS[name].type) {
    case "weights":
      return [String(value)];
    case "patterns":
      return [...(value as readonly string[])];
    case "blockWeights":
      return (value as readonly (readonly number[])[]).map(String);
    case "moduleWeights":
      return (value as readonly ModuleWeights[]).map(({ match, weights }) => `${match}=${weights}`);
    case "energy": {
      const { rule, threshold } = value as Required<SaidRecipe>["energy"];
      return [`${rule}=${threshold}`];
    }
    default:
      return [String(value)];
  }
}

function flag(name: string, value: string | null): RecipeFlag {
  return { name, words: [`--${kebab(name)}`, ...(value === null ? [] : [shellWord(value)])] };
}

/** The value of a method's option as its flag takes it. */
export function shownOption(value: unknown): string {
  return typeof value === "boolean" ? (value ? "on" : "off") : String(value);
}
