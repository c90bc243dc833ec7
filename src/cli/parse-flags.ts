import { InvalidArgumentError } from "commander";
import { ENERGY_RULES, type EnergyRule } from "../methods/method.ts";
import type { ModuleWeights } from "../recipe/recipe.ts";
import { withoutSecrets } from "../remote/web/web-path.ts";

/** A finite number from a flag. */
export function parseNumber(text: string): number {
  const value = finiteIn(text);
  if (value === null) throw new InvalidArgumentError("Not a finite number.");
  return value;
}

/** A factor of the delta from a flag, or that it is computed. */
export function parseScale(text: string): number | "auto" {
  if (text === "auto") return text;
  const value = finiteIn(text);
  if (value === null) throw new InvalidArgumentError("Neither auto nor a finite number.");
  return value;
}

function finiteIn(text: string): number | null {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

/** A path from a flag; an address without what is secret in it. */
export function parsePath(text: string): string {
  return withoutSecrets(soundPath(text));
}

/** A path that may be given several times. */
export function collectPath(text: string, before: readonly string[] = []): string[] {
  return collect(withoutSecrets(soundPath(text), before), before);
}

function soundPath(text: string): string {
  if (text === "") throw new InvalidArgumentError("It is empty.");
  if (text.includes("\0")) throw new InvalidArgumentError("It contains a NUL character, which no path may contain.");
  return text;
}

/** A whole number above zero from a flag. */
export function parseCount(text: string): number {
  const value = parseNumber(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("Not a whole number above 0.");
  return value;
}

/** A port from a flag. */
export function parsePort(text: string): number {
  const value = parseNumber(text);
  if (!Number.isSafeInteger(value) || value < 1 || value > 65535) {
    throw new InvalidArgumentError("Not a port (1 to 65535).");
  }
  return value;
}

/** Numbers separated by commas from a flag. */
export function parseNumbers(text: string): number[] {
  return text.split(",").map(parseNumber);
}

/** "q_proj=1,0.5": a pattern of modules and the adapters' weights there, appended to those given before. */
export function parseModuleWeights(text: string, before: readonly ModuleWeights[] = []): ModuleWeights[] {
  const at = text.lastIndexOf("=");
  if (at < 1)
    throw new InvalidArgumentError("Expected a pattern and one weight for each adapter, such as q_proj=1,0.5.");
  return [...before, { match: text.slice(0, at), weights: parseNumbers(text.slice(at + 1)) }];
}

/** A flag that may be given several times. */
export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** "sv_fro=0.95": an energy rule and its threshold. */
export function parseEnergy(text: string): { rule: EnergyRule; threshold: number } {
  const [name, threshold, ...rest] = text.split("=");
  const rule = ENERGY_RULES.find((known) => known === name);
  if (rule === undefined || threshold === undefined || rest.length > 0) {
    throw new InvalidArgumentError(`Expected ${ENERGY_RULES.join(", ")}, each with a threshold, such as sv_fro=0.95.`);
  }
  return { rule, threshold: parseNumber(threshold) };
}
