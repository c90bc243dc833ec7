import { FORMAT_IDS, type FormatId } from "../convert/formats.ts";
import { nearest } from "../core/suggest.ts";
import { AUTO } from "../methods/auto.ts";
import { ENERGY_RULES, type Zod } from "../methods/method.ts";
import { METHODS } from "../methods/registry.ts";
import type { LooseRecipe } from "./recipe.ts";
import { choicesOf, type Field, RECIPE_FIELDS, type SaidRecipe } from "./recipe-fields.ts";

/** An adapter in a recipe file: a path, or a map of a path or an earlier step's name, and a weight. */
export type AdapterData =
  | string
  | { readonly path: string; readonly weight?: number | undefined }
  | { readonly step: string; readonly weight?: number | undefined };

/** zod leaves absent keys absent, but its types say undefined. */
export type Loose<Fields> = { readonly [Key in keyof Fields]?: Fields[Key] | undefined };

/** One merge as a recipe file writes it, without its adapters, which carry the weights. */
export type MergeFields = Loose<Omit<SaidRecipe, "weights"> & Pick<LooseRecipe, "options">>;

/** One merge as a recipe file writes it. */
export interface MergeData extends MergeFields {
  readonly adapters?: readonly AdapterData[] | undefined;
}

/** A whole recipe file: one merge, or steps. */
export interface FileData extends MergeData {
  readonly steps?: readonly (MergeData & { readonly name: string })[] | undefined;
  readonly out?: string | undefined;
  readonly to?: FormatId | undefined;
  readonly report?: string | undefined;
}

/** Folder names that no file system and no YAML reader misreads. */
const STEP_NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;

/** Building blocks for the schemas of files that people write. */
export interface SchemaParts {
  readonly record: <Shape extends Record<string, import("zod").ZodType>>(
    shape: Shape,
    what: string,
  ) => import("zod").ZodObject<Shape, import("zod").core.$strict>;
  readonly choice: <const Choices extends readonly string[]>(
    choices: Choices,
  ) => import("zod").ZodType<Choices[number]>;
  readonly list: <Item extends import("zod").ZodType>(item: Item, what: string) => import("zod").ZodArray<Item>;
  readonly number: import("zod").ZodNumber;
  readonly text: import("zod").ZodString;
}

/** The building blocks, with messages that continue "<value> is <...>, but". */
export function schemaParts(z: Zod): SchemaParts {
  /** A map that refuses unknown keys and suggests the key that was meant. */
  const record = <Shape extends Record<string, import("zod").ZodType>>(shape: Shape, what: string) =>
    z.strictObject(shape, {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? `is unknown here; ${suggestion((issue as { keys?: string[] }).keys?.[0] ?? "", Object.keys(shape))}`
          : `must be ${what}`,
    });
  const choice = <const Choices extends readonly string[]>(choices: Choices) =>
    z.enum(choices, {
      error: ({ input }) => {
        const meant = nearest(String(input), choices);
        return `must be one of ${choices.join(", ")}${meant === null ? "" : `; did you mean ${meant}?`}`;
      },
    });
  const list = <Item extends import("zod").ZodType>(item: Item, what: string) =>
    z.array(item, { error: `must be a list of ${what}` });
  const number = z.number({ error: "must be a finite number" });
  const text = z
    .string({ error: "must be text, in quotes if it looks like something else" })
    .min(1, { error: "must not be empty" });
  return { record, choice, list, number, text };
}

type ZodOf<Value> = import("zod").ZodType<Value>;

/** The schemas of the fields of one merge, without its adapters. */
export function mergeFields(z: Zod): { readonly [Field in keyof Required<MergeFields>]: ZodOf<MergeFields[Field]> } {
  const { weights: _, ...fields } = RECIPE_FIELDS;
  const schemas = Object.entries<Field>(fields).map(([name, field]) => [
    name,
    fieldSchema(z, field).optional().describe(described(field)),
  ]);
  const options = z
    .record(z.string(), z.unknown(), { error: "must be a map of the method's options" })
    .optional()
    .describe("the method's own options; `lora-lego methods` lists them");
  return { ...Object.fromEntries(schemas), options };
}

function described({ help, default: value }: Field): string {
  return value === null ? help : `${help}; default ${value}`;
}

function fieldSchema(z: Zod, field: Field): ZodOf<unknown> {
  const { record, choice, list, number, text } = schemaParts(z);
  const rankError = { error: "must be a whole number above 0, or full" };
  const weights = list(number, "numbers, one for each adapter");
  switch (field.type) {
    case "method":
      return choice([AUTO, ...METHODS.map(({ id }) => id)]);
    case "choice":
      return choice(choicesOf(field));
    case "number":
      return number;
    case "scale":
      return z.union([z.number(), z.literal("auto")], { error: "must be a finite number, or auto" });
    case "switch":
      return z.boolean({ error: "must be true or false" });
    case "patterns":
      return list(text, "patterns, such as [q_proj]");
    case "rank":
      return z.union([z.int(rankError).min(1, rankError), z.literal("full")], rankError);
    case "energy":
      return record({ rule: choice(ENERGY_RULES), threshold: number }, "a map of rule and threshold");
    case "weights":
      return weights;
    case "moduleWeights":
      return list(record({ match: text, weights }, "a map of match and weights"), "maps of match and weights");
    case "blockWeights":
      return list(list(number, "numbers, one for each block"), "lists of numbers, one list for each adapter");
  }
}

/**
 * The schema of recipe files; docs/recipe.schema.json is its JSON Schema, for editors.
 *
 * @example
 * ```ts
 * import { recipeSchema } from "lora-lego";
 * import { z } from "zod";
 *
 * console.log(recipeSchema(z).safeParse({ adapters: ["math"], rank: -1 }).success); // false
 * ```
 */
export function recipeSchema(z: Zod): import("zod").ZodType<unknown> {
  return fileSchema(z);
}

/** The same schema, with the type of what it lets pass. */
export function fileSchema(z: Zod): import("zod").ZodType<FileData> {
  const { record, choice, list, number, text } = schemaParts(z);
  const weight = number.optional().describe("default 1; 0 leaves the adapter out");
  const path = text.describe(
    "folder or file of an adapter, relative to the recipe file, hf://owner/name, or https://host/path",
  );
  const adapter = z.union(
    [
      path,
      record({ path, weight }, "a map of path and weight"),
      record({ step: text.describe("name of an earlier step"), weight }, "a map of step and weight"),
    ],
    { error: "must be a path, or a map of path (or step) and weight" },
  );
  const merge = {
    adapters: list(adapter, "adapters, such as [math, med]")
      .min(1, { error: "must name at least one adapter" })
      .optional(),
    ...mergeFields(z),
  };
  const name = text
    .regex(STEP_NAME, { error: "must be letters, digits, - and _, starting with a letter" })
    .describe("name of the result for later steps");
  return record(
    {
      ...merge,
      steps: list(record({ name, ...merge }, "a map with a name and adapters"), "merges, each with a name and adapters")
        .min(1, { error: "must hold at least one merge" })
        .optional()
        .describe("merges to run in order; the last one writes the output"),
      out: text.optional().describe("folder, or .safetensors or .gguf file, to write, relative to the recipe file"),
      to: choice(FORMAT_IDS).optional().describe("format of the output; by default its name and `for` decide"),
      report: text.optional().describe("also write the report of the (last) merge as JSON, to this file"),
    },
    "a map with adapters, or with steps",
  );
}

/** The key that was probably meant, or else all known keys. */
function suggestion(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  return meant === null ? `the keys are ${known.join(", ")}` : `did you mean ${meant}?`;
}
