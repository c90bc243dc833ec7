import { nearest } from "../core/suggest.ts";
import type { DataPath } from "../formats/yaml/placed-yaml.ts";
import type { Method } from "../methods/method.ts";
import { mistakeIn, type Parameter } from "../methods/parameters.ts";

/** Refuses the value at a path of a recipe, in one sentence. */
export type Fail = (path: DataPath, why: string) => never;

/** Check a method's options against its parameters; undefined options count as absent. */
export function checkOptions({ id, parameters }: Method, options: Readonly<Record<string, unknown>>, fail: Fail): void {
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

function unknownOption(id: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  const there = known.length === 0 ? "it has none" : `its options are ${known.join(", ")}`;
  return `${id} has no option ${JSON.stringify(name)}; ${meant === null ? `${there}.` : `did you mean ${meant}?`}`;
}

/** A value as messages show it. */
export function shown(value: unknown): string {
  return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
}

/** Adds the full stop. */
export function sentence(words: string): string {
  return words.endsWith("?") ? words : `${words}.`;
}
