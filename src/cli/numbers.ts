import { InvalidArgumentError } from "commander";
import { ENERGY_RULES, type EnergyRule } from "../methods/method.ts";

/** A finite number from a flag. */
export function parseNumber(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError("Not a finite number.");
  return value;
}

/** A whole number above zero from a flag. */
export function parseCount(text: string): number {
  const value = parseNumber(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("Not a whole number above 0.");
  return value;
}

/** A share above 0 and up to 1 from a flag. */
export function parseShare(text: string): number {
  const value = parseNumber(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError("Not a share above 0 and at most 1.");
  return value;
}

/** Numbers separated by commas from a flag. */
export function parseNumbers(text: string): number[] {
  return text.split(",").map(parseNumber);
}

/** "sv_fro=0.95": an energy rule and its threshold. */
export function parseEnergy(text: string): { rule: EnergyRule; threshold: number } {
  const [name, threshold, ...rest] = text.split("=");
  const rule = ENERGY_RULES.find((known) => known === name);
  if (rule === undefined || threshold === undefined || rest.length > 0) {
    throw new InvalidArgumentError(`Expected ${ENERGY_RULES.join(", ")}, each with a threshold, as sv_fro=0.95.`);
  }
  return { rule, threshold: parseNumber(threshold) };
}
