import type { UsageError } from "../core/errors.ts";
import type { DataPath, PlacedYaml } from "../formats/yaml/placed-yaml.ts";

/** The parts of zod's issues that are used. */
interface Issue {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
  readonly errors?: readonly (readonly Issue[])[];
}

/** The issue behind a union's issue: that of the first alternative of the right kind, if there is one. */
function deepest(issue: Issue, above: DataPath): Issue {
  const path = [...above, ...(issue.path as DataPath)];
  const meant = issue.errors?.find((issues) =>
    issues.every(({ code, path: own }) => code === "unrecognized_keys" || own.length > 0),
  );
  return meant === undefined ? { ...issue, path } : deepest(meant[0]!, path);
}

/**
 * The error for an issue of a file's schema, as "file:line:column: sentence with the fix".
 *
 * @param whole name of the whole file in messages
 */
export function schemaMistake(yaml: PlacedYaml, issue: Issue, whole: string): UsageError {
  const { code, path: properties, message, keys = [] } = deepest(issue, []);
  const path = properties as DataPath;
  if (code === "unrecognized_keys") {
    const key = keys[0]!;
    return yaml.mistakeOfKey([...path, key], `${JSON.stringify(key)} ${message}${end(message)}`);
  }
  const value = valueAt(yaml.data, path);
  const name = path.length === 0 ? whole : nameOf(path);
  const lacking = value === undefined ? "missing" : "empty";
  const found = value === undefined || value === null ? `is ${lacking}; it` : `is ${shown(value)}, but`;
  return yaml.mistake(path, `${name} ${found} ${message}${end(message)}`);
}

const end = (sentence: string): string => (/[.?]$/.test(sentence) ? "" : ".");

function valueAt(data: unknown, path: DataPath): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<string | number, unknown> | undefined)?.[part], data);
}

/** Such as adapters[1].weight, without its step, which the place already says. */
function nameOf(path: DataPath): string {
  const own = path[0] === "steps" && path.length > 2 ? path.slice(2) : path;
  return own.map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`)).join("");
}

function shown(value: unknown): string {
  if (typeof value === "number") return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
