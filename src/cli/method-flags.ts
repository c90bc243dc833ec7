import { type Command, Option } from "commander";
import { UsageError } from "../core/errors.ts";
import type { Method } from "../methods/method.ts";
import { parametersOf } from "../methods/parameters.ts";

/**
 * Add a flag for each option of a method's schema. Loads zod, so it is done only where help is asked for or a flag is used
 * that the command does not know.
 */
export async function addMethodFlags(command: Command, method: Method): Promise<void> {
  const { z } = await import("zod");
  for (const { name, type, choices, default: value, description } of parametersOf(method, z)) {
    const values = type === "boolean" ? ["on", "off"] : choices;
    const placeholder = values === null ? "n" : values.join("|");
    const option = new Option(`--${kebab(name)} <${placeholder}>`, `${description} (default: ${shownDefault(value)})`);
    command.addOption((values === null ? option : option.choices(values)).helpGroup(`Options of ${method.id}:`));
  }
}

/** A default as its flag is written. */
export function shownDefault(value: unknown): string {
  return typeof value === "boolean" ? (value ? "on" : "off") : String(value);
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
    given[name] = kind === "boolean" ? text === "on" : kind === "number" ? numberOf(name, String(text)) : text;
  }
  if (Object.keys(given).length === 0) return {};
  const { z } = await import("zod");
  const parsed = method.schema(z).safeParse(given);
  if (parsed.success) return given;
  const [issue] = parsed.error.issues;
  throw new UsageError(`--${kebab(String(issue!.path[0]))}: ${issue!.message}.`);
}

function numberOf(name: string, text: string): number {
  if (text.trim() !== "" && Number.isFinite(Number(text))) return Number(text);
  throw new UsageError(`--${kebab(name)} is "${text}", but must be a finite number.`);
}

/** A parameter's name as its flag has it: outputReweight becomes output-reweight. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
