import { nearest } from "../core/suggest.ts";
import type { DataPath } from "../formats/yaml/placed-yaml.ts";
import type { Method } from "../methods/method.ts";
import { mistakeIn, type Parameter } from "../methods/parameters.ts";

/** Characters of a value in a message. */
const MOST_SHOWN = 200;

/** Refuses the value at a path of a recipe, in one sentence; of a field also what follows its name there, for those who call it otherwise. */
export type Fail = (path: DataPath, why: string, rest?: string) => never;

/** Check a method's options against its parameters; undefined options count as absent. */
export function checkOptions(
  { id, parameters }: Pick<Method, "id" | "parameters">,
  options: Readonly<Record<string, unknown>>,
  fail: Fail,
): void {
  if (options === null || typeof options !== "object" || Array.isArray(options)) {
    fail([], `The options of ${id} are ${shown(options)}, but must be a map of names and values.`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const parameter: Parameter | undefined = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    const why = parameter === undefined ? null : mistakeIn(parameter, value);
    if (parameter === undefined) fail([name], unknownOption(id, name, Object.keys(parameters)));
    else if (why !== null) fail([name], `The option ${name} of ${id} is ${shown(value)}, but ${sentence(why)}`);
  }
}

/** That something has no option of this name, and what was meant. */
export function unknownOption(id: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  const there = known.length === 0 ? "it has none" : `its options are ${known.join(", ")}`;
  return `${id} has no option ${JSON.stringify(name)}; ${meant === null ? `${there}.` : `did you mean ${meant}?`}`;
}

/** A value as messages show it, long ones cut. */
export function shown(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  const text = jsonOf(value) ?? String(value);
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}...` : text;
}

/** A value as JSON; undefined where it has none, for example because it contains itself. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return Array.isArray(value) ? "a list" : "an object";
  }
}

/** Adds the full stop. */
export function sentence(words: string): string {
  return words.endsWith("?") ? words : `${words}.`;
}
