import { nearest } from "../core/suggest.ts";

/** One of several words. */
export interface Choice<Value extends string> {
  readonly type: "choice";
  readonly choices: readonly Value[];
}

/** On or off. */
export interface Switch {
  readonly type: "boolean";
}

/** A finite number; `integer` for whole ones. Without a bound there is none. */
export interface Numeric {
  readonly type: "number" | "integer";
  readonly least?: number;
  /** Like `least`, but excluding the bound itself. */
  readonly above?: number;
  readonly most?: number;
}

/** Fields of every parameter. */
export interface Described<Value> {
  readonly default: Value;
  /** What it does, for --help, the page and lists. */
  readonly description: string;
}

/** An option that is one of several words. */
export type ChoiceParameter<Value extends string = string> = Choice<Value> & Described<Value>;
/** An option that is on or off. */
export type SwitchParameter = Switch & Described<boolean>;
/** An option that is a number. */
export type NumberParameter = Numeric & Described<number>;

/** One option of a method as plain data; checks, flags, forms and lists are made from it. */
export type Parameter = ChoiceParameter | SwitchParameter | NumberParameter;

/** The parameter that describes an option of some type. */
export type ParameterOf<Value> = [Value] extends [boolean]
  ? SwitchParameter
  : [Value] extends [number]
    ? NumberParameter
    : ChoiceParameter<Value & string>;

/** A parameter for each option of a method, in display order. */
export type ParameterTable<Options> = unknown extends Options
  ? Readonly<Record<string, Parameter>>
  : { readonly [Name in keyof Options]-?: ParameterOf<Options[Name]> };

/** What is wrong with a value of a type, continuing "<name> is <value>, but"; null if nothing is. */
export function mistakeIn(parameter: Choice<string> | Switch | Numeric, value: unknown): string | null {
  if (parameter.type === "boolean") return typeof value === "boolean" ? null : "must be true or false";
  if (parameter.type === "choice") {
    const { choices } = parameter;
    if (choices.includes(value as string)) return null;
    const meant = nearest(String(value), choices);
    return `must be one of ${choices.join(", ")}${meant === null ? "" : `; did you mean ${meant}?`}`;
  }
  const { type, least, above, most } = parameter;
  const fits =
    (type === "integer" ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
    (value as number) >= (least ?? Number.NEGATIVE_INFINITY) &&
    (value as number) > (above ?? Number.NEGATIVE_INFINITY) &&
    (value as number) <= (most ?? Number.POSITIVE_INFINITY);
  if (fits) return null;
  const bounds = [
    ...(least === undefined ? [] : [`at least ${least}`]),
    ...(above === undefined ? [] : [`above ${above}`]),
    ...(most === undefined ? [] : [`at most ${most}`]),
  ];
  const kind = type === "integer" ? "a whole number" : "a finite number";
  return `must be ${kind}${bounds.length === 0 ? "" : `, ${bounds.join(" and ")}`}`;
}
