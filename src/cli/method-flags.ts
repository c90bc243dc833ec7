import { type Command, InvalidArgumentError, Option } from "commander";
import { UsageError } from "../core/errors.ts";
import { kebab } from "../core/kebab.ts";
import type { Method } from "../methods/method.ts";
import { mistakeIn, type Parameter } from "../methods/parameters.ts";
import { shownOption } from "../recipe/recipe-flags.ts";
import { parseNumber } from "./parse-flags.ts";

/** Add a flag for each option of a method. */
export function addMethodFlags(command: Command, { id, parameters }: Pick<Method, "id" | "parameters">): void {
  for (const [name, parameter] of Object.entries(parameters)) {
    const { type, default: value, description } = parameter;
    const flag = `--${kebab(name)}`;
    if (command.options.some(({ long }) => long === flag)) {
      throw new UsageError(
        `The method ${id} has a parameter ${name}, but ${flag} is a flag of ${command.name()} already; rename the parameter.`,
      );
    }
    const words = type === "boolean" ? ["on", "off"] : type === "choice" ? parameter.choices : null;
    const option = new Option(
      `${flag} <${words?.join("|") ?? "n"}>`,
      `${description} (default: ${shownOption(value)})`,
    );
    if (words === null) option.argParser((text: string) => numberOf(parameter, text));
    else option.choices(words);
    command.addOption(option.helpGroup(`Options of ${id}:`));
  }
}

/** Refuse the flags of options that belong to other methods. @param named the method that is named; null if none is */
export function refuseMethodFlags(
  command: Command,
  methods: readonly Pick<Method, "id" | "parameters">[],
  named: Pick<Method, "id" | "parameters"> | null,
): void {
  const owners = new Map<string, string[]>();
  for (const { id, parameters } of methods) {
    const others = Object.keys(parameters).filter((name) => named === null || !Object.hasOwn(named.parameters, name));
    for (const name of others) owners.set(name, [...(owners.get(name) ?? []), id]);
  }
  for (const [name, ids] of owners) {
    const flag = `--${kebab(name)}`;
    if (command.options.some(({ long }) => long === flag)) continue;
    const way = named !== null ? "leave it out, or take" : ids.length === 1 ? "add" : "name the method, such as";
    const not = named === null ? "" : `, not of ${named.id}`;
    const refuse = (): never => {
      throw new UsageError(`${flag} is an option of ${ids.join(", ")}${not}; ${way} --method ${ids[0]}.`);
    };
    command.addOption(new Option(`${flag} <value>`).hideHelp().argParser(refuse));
  }
}

function numberOf(parameter: Parameter, text: string): number {
  const value = parseNumber(text);
  const why = mistakeIn(parameter, value);
  if (why !== null) throw new InvalidArgumentError(`It ${why}.`);
  return value;
}

/** The method's options from the parsed flags; only those that were given. */
export function methodOptions(
  { parameters }: Pick<Method, "parameters">,
  flags: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const given = Object.entries(parameters).filter(([name]) => flags[name] !== undefined);
  return Object.fromEntries(
    given.map(([name, { type }]) => [name, type === "boolean" ? flags[name] === "on" : flags[name]]),
  );
}
