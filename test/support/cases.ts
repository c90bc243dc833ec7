import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { AdapterText } from "../../src/adapter/dialect.ts";

const CASES = fileURLToPath(new URL("../../../shared/cases/", import.meta.url));

/** Whether the small inputs that lie beside the repository are there; tests of them skip where they are not. */
export const hasCases: boolean = existsSync(CASES);
export const CASES_ABSENT: string = hasCases ? "" : " (skipped: there is no ../shared/cases)";

/** The path of one of them. */
export function casePath(name: string): string {
  return `${CASES}${name}`;
}

/** A config.json among them. */
export function caseConfig(name: string): AdapterText {
  return { text: readFileSync(casePath(name), "utf8"), where: "config.json" };
}
