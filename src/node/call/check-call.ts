import { UsageError } from "../../core/errors.ts";
import { sentence, shown, unknownOption } from "../../recipe/check-options.ts";
import { hasFields, mistakeOf, type Rule, type RuleOf } from "./rules.ts";

/** A rule for each option of a function; `needed` marks those that its type requires. */
export type OptionTable<Options> = {
  readonly [Name in keyof Options]-?: RuleOf<NonNullable<Options[Name]>> &
    (object extends Pick<Options, Name> ? { readonly needed?: never } : { readonly needed: true });
};

/** What a function of the library takes. */
export interface Call<Options> {
  readonly name: string;
  /** Its arguments before the options, by name, in order. */
  readonly takes: Readonly<Record<string, Rule>>;
  readonly options: OptionTable<Options>;
}

/**
 * Check the arguments of a call, because plain JavaScript has no types: undefined options count as absent.
 *
 * @throws UsageError in one sentence for the first that is missing, unknown or of another kind
 */
export function checkCall<Options>({ name, takes, options: table }: Call<Options>, given: readonly unknown[]): void {
  const rules = Object.entries(takes);
  for (const [i, [argument, rule]] of rules.entries()) {
    const why = mistakeOf(rule, given[i]);
    if (why !== null) throw mistaken(`The argument ${argument} of ${name}`, given[i], why);
  }
  const options = given[rules.length];
  checkOptions(name, Object.entries<Rule & { readonly needed?: true }>(table), options === undefined ? {} : options);
}

function checkOptions(
  name: string,
  table: readonly (readonly [string, Rule & { readonly needed?: true }])[],
  options: unknown,
): void {
  if (!hasFields(options)) throw mistaken(`The argument options of ${name}`, options, "must be an object");
  const values = new Map(Object.entries(options as object).filter(([, value]) => value !== undefined));
  for (const [option, rule] of table) {
    if (rule.needed && !values.has(option)) {
      throw new UsageError(`${name} needs the option ${option}, which ${sentence(mistakeOf(rule, undefined)!)}`);
    }
  }
  const rules = new Map(table);
  for (const [option, value] of values) {
    const rule = rules.get(option);
    if (rule === undefined) throw new UsageError(unknownOption(name, option, [...rules.keys()]));
    const why = mistakeOf(rule, value);
    if (why !== null) throw mistaken(`The option ${option} of ${name}`, value, why);
  }
}

function mistaken(what: string, value: unknown, why: string): UsageError {
  return new UsageError(`${what} is ${shown(value)}, but ${sentence(why)}`);
}
