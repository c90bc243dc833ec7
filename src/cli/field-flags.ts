import { type Command, InvalidArgumentError, Option } from "commander";
import { kebab } from "../core/kebab.ts";
import { mistakeIn } from "../methods/parameters.ts";
import type { ModuleWeights } from "../recipe/recipe.ts";
import {
  choicesOf,
  type Field,
  type FieldName,
  RANK_FIELDS,
  RECIPE_FIELDS,
  type SaidRecipe,
} from "../recipe/recipe-fields.ts";
import {
  collect,
  parseCount,
  parseEnergy,
  parseModuleWeights,
  parseNumber,
  parseNumbers,
  parseScale,
} from "./parse-flags.ts";

/** What a command says about a field instead of `RECIPE_FIELDS`. */
interface Otherwise {
  readonly help?: string;
  readonly default?: string;
}

/** Fields that people type so often that they have a letter. */
const LETTERS: { readonly [Name in FieldName]?: string } = { method: "-m", rank: "-r" };

/** Add the flags of some fields of a recipe. */
export function addFieldFlags(
  command: Command,
  names: readonly FieldName[],
  otherwise: { readonly [Name in FieldName]?: Otherwise } = {},
): void {
  for (const name of names) {
    const field = RECIPE_FIELDS[name];
    const { help, default: value } = { ...field, ...otherwise[name] };
    const repeatable = ["patterns", "moduleWeights", "blockWeights"].includes(field.type);
    const letter = LETTERS[name] === undefined ? "" : `${LETTERS[name]}, `;
    const flag = `${letter}--${kebab(name)}${field.value === undefined ? "" : ` <${field.value}>`}`;
    const option = new Option(flag, repeatable ? `${help} (repeatable)` : help);
    if (field.type === "choice") option.choices(choicesOf(field));
    else if (field.type !== "switch") option.argParser<unknown>((text, before) => parsed(field, text, before));
    // The help text states the other defaults, or they go without saying.
    if (typeof value === "string") option.default(value);
    option.conflicts(RANK_FIELDS.slice(0, Math.max(0, (RANK_FIELDS as readonly string[]).indexOf(name))));
    command.addOption(option);
  }
}

/** A flag's value; `before` is the value of the same flag earlier on the command line. */
function parsed(field: Field, text: string, before: unknown): SaidRecipe[FieldName] {
  switch (field.type) {
    case "number": {
      const value = parseNumber(text);
      const why = mistakeIn({ ...field, type: "number" }, value);
      if (why !== null) throw new InvalidArgumentError(`It ${why}.`);
      return value;
    }
    case "scale":
      return parseScale(text);
    case "rank":
      return parseCount(text);
    case "energy":
      return parseEnergy(text);
    case "weights":
      return parseNumbers(text);
    case "patterns":
      return collect(text, before as string[] | undefined);
    case "moduleWeights":
      return parseModuleWeights(text, before as ModuleWeights[] | undefined);
    case "blockWeights":
      return [...((before as number[][] | undefined) ?? []), parseNumbers(text)];
    default:
      return text;
  }
}
