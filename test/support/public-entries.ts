import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { exports } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { exports: Record<string, unknown> };

/** The built declarations of each entry of the package: what its users see. */
export const PUBLIC_ENTRIES: readonly string[] = Object.values(exports)
  .filter((entry): entry is { types: string } => typeof entry === "object")
  .map(({ types }) => root + types.slice("./".length));
