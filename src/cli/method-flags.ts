import { type Command, Option } from "commander";
import { UsageError } from "../core/errors.ts";
import type { Method } from "../methods/method.ts";

/** What of a JSON Schema property becomes a flag. */
interface Property {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
}

/**
 * Add a flag for each option of a method's schema. Loads zod, so it is done only where help is asked for or a flag is used
 * that the command does not know.
 */
export async function addMethodFlags(command: Command, method: Method): Promise<void> {
  const { z } = await import("zod");
  const { properties } = z.toJSONSchema(method.schema(z)) as { properties?: Record<string, Property> };
  for (const [name, { type, enum: choices, default: value, description = "" }] of Object.entries(properties ?? {})) {
    const shown = type === "boolean" ? (value ? "on" : "off") : String(value);
    const values = type === "boolean" ? ["on", "off"] : choices;
    const placeholder = values === undefined ? "n" : values.join("|");
    const option = new Option(`--${kebab(name)} <${placeholder}>`, `${description} (default: ${shown})`);
    command.addOption((values === undefined ? option : option.choices(values)).helpGroup(`Options of ${method.id}:`));
  }
}

/** Whether the arguments hold help or a flag that the command does not know yet. */
export function wantsMethodFlags(command: Command, argv: readonly string[]): boolean {
  const flags = argv.filter((word) => word.startsWith("-")).map((word) => word.split("=")[0]!);
  const known = new Set(command.options.flatMap(({ long, short }) => [long, short]));
  return flags.some((flag) => flag === "-h" || flag === "--help" || !(known.has(flag) || /^-[\d.]/.test(flag)));
}

/**
 * The method's options out of the parsed flags, validated by its schema; only those that were given.
 *
 * @throws UsageError naming the flag
 */
export async function methodOptions(
  method: Method,
  flags: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const defaults = method.defaults as Readonly<Record<string, unknown>>;
  const given: Record<string, unknown> = {};
  for (const name of Object.keys(defaults)) {
    const text = flags[name];
    if (text === undefined) continue;
    const kind = typeof defaults[name];
    given[name] = kind === "boolean" ? text === "on" : kind === "number" ? Number(text) : text;
  }
  if (Object.keys(given).length === 0) return {};
  const { z } = await import("zod");
  const parsed = method.schema(z).safeParse(given);
  if (parsed.success) return given;
  const [issue] = parsed.error.issues;
  throw new UsageError(`--${kebab(String(issue!.path[0]))}: ${issue!.message}.`);
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
