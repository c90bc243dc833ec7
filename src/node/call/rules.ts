import { CONSUMER_IDS, type ConsumerId } from "../../adapter/consumers.ts";
import { FORMAT_IDS, type FormatId } from "../../convert/formats.ts";
import { type Choice, mistakeIn, type Numeric, type Switch } from "../../methods/parameters.ts";

/** A value that is no number, switch or word of a list. */
export interface Other {
  readonly type: "other";
  /** Continues "must be". */
  readonly what: string;
  fits(value: unknown): boolean;
}

/** What a value of a call must be. */
export type Rule = Choice<string> | Switch | Numeric | Other;

/** The kind of rule for values of a type. */
export type RuleOf<Value> = [Value] extends [boolean]
  ? Switch
  : [Value] extends [number]
    ? Numeric
    : [Value] extends [string]
      ? string extends Value
        ? Other
        : Choice<Value>
      : Other;

/** What is wrong with a value, continuing "is <value>, but"; null if nothing is. */
export function mistakeOf(rule: Rule, value: unknown): string | null {
  if (rule.type !== "other") return mistakeIn(rule, value);
  return rule.fits(value) ? null : `must be ${rule.what}`;
}

const other = (what: string, fits: (value: unknown) => boolean): Other => ({ type: "other", what, fits });
const listOf = (what: string, fits: (item: unknown) => boolean): Other =>
  other(what, (value) => Array.isArray(value) && value.every(fits));
const isText = (value: unknown): boolean => typeof value === "string";
const isPath = (value: unknown): boolean => isText(value) && !(value as string).includes("\0");

/** Whether a value is an object with fields of these types. */
export function hasFields(value: unknown, types: Readonly<Record<string, string>> = {}): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  return Object.entries(types).every(([name, type]) => typeof fields[name] === type);
}

/** An object with fields of these types. */
export function object(what: string, types: Readonly<Record<string, string>> = {}): Other {
  return other(what, (value) => hasFields(value, types));
}

/** A rule for a value that may be absent. */
export function optional({ what, fits }: Other): Other {
  return other(what, (value) => value === undefined || fits(value));
}

export const TEXT: Other = other("a text", isText);
export const PATH: Other = other("a path", isPath);
export const PATHS: Other = listOf("a list of paths", isPath);
export const PATTERNS: Other = listOf("a list of patterns", isText);
export const TEXTS: Other = listOf("a list of texts", isText);
export const NUMBERS: Other = listOf("a list of numbers", Number.isFinite);
export const COUNTS: Other = listOf(
  "a list of whole numbers above 0",
  (value) => Number.isSafeInteger(value) && (value as number) > 0,
);
export const BY_NAME: Other = other(
  "an object with a number above 0 for each name",
  (value) =>
    hasFields(value) && Object.values(value as object).every((number) => Number.isFinite(number) && number > 0),
);
export const FUNCTION: Other = other("a function", (value) => typeof value === "function");
export const SWITCH: Switch = { type: "boolean" };
export const COUNT: Numeric = { type: "integer", least: 1 };
export const SIGNAL: Other = object("an AbortSignal", { aborted: "boolean", throwIfAborted: "function" });
export const CONSUMER: Choice<ConsumerId> = { type: "choice", choices: CONSUMER_IDS };
export const FORMAT: Choice<FormatId> = { type: "choice", choices: FORMAT_IDS };
export const SETTINGS: Other = object("what hubSettings returns", {
  endpoint: "string",
  fetch: "function",
  cache: "string",
  offline: "boolean",
});
export const RECIPE: Other = object('a recipe, such as { method: "lego" }');

/** Options that many functions have. */
export const HUB: Readonly<Record<"settings" | "onDownload" | "signal", Other>> = {
  settings: SETTINGS,
  onDownload: FUNCTION,
  signal: SIGNAL,
};

export const BASE_CONFIG: Other = other(
  "null, or the text of a config.json and its name: { text, where }",
  (value) => value === null || hasFields(value, { text: "string", where: "string" }),
);

/** What evaluations take. */
export const LLAMA: Other = object("the package node-llama-cpp", { getLlama: "function" });
export const ROWS: Other = listOf("a list of rows, as parseTaskRows returns them", (row) =>
  hasFields(row, { task: "string", prompt: "string", choices: "object", answer: "number" }),
);
