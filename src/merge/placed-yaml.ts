import type { Document, LineCounter, Node } from "yaml";
import { UsageError } from "../core/errors.ts";

/** Keys and indices that lead from the root of a document to a value. */
export type DataPath = readonly (string | number)[];

/** Data of a YAML file that knows where it was written. */
export interface PlacedYaml {
  readonly data: unknown;
  /** "file:line:column" of the value at a path, or of the nearest value above it that there is. */
  place(path: DataPath): string;
  /** The same of the key that a path ends with. */
  placeOfKey(path: DataPath): string;
}

/**
 * Read one YAML 1.2 document (merge keys, <<, allowed). Loads the package yaml.
 *
 * @param file what messages call it
 * @throws UsageError at the first mistake, as "file:line:column: sentence"
 */
export async function readYaml(text: string, file: string): Promise<PlacedYaml> {
  const yaml = await import("yaml");
  const lines = new yaml.LineCounter();
  const root = yaml.parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const fail = (offset: number, why: string): never => {
    throw new UsageError(`${placeAt(file, lines, offset)}: ${why}.`);
  };
  const [error] = [...root.errors, ...root.warnings];
  if (error?.code === "MULTIPLE_DOCS") fail(error.pos[0], "a recipe is one document; remove what follows ---");
  if (error !== undefined) fail(error.pos[0], `${error.message.replace(/\.$/, "")}; correct the YAML`);
  yaml.visit(root, {
    Alias(_, alias) {
      if (alias.resolve(root) !== undefined) return;
      fail(alias.range?.[0] ?? 0, `there is no anchor &${alias.source} before this alias; define it above`);
    },
  });
  const find = (path: DataPath): Found => findNode(yaml, root, path);
  return {
    data: toData(root, (why) => fail(0, why)),
    place: (path) => placeAt(file, lines, find(path).value),
    placeOfKey: (path) => placeAt(file, lines, find(path).key),
  };
}

function toData(root: Document, fail: (why: string) => never): unknown {
  try {
    return root.toJS();
  } catch (error) {
    // yaml refuses aliases that multiply beyond measure.
    return fail(`${(error as Error).message}; write the values out`);
  }
}

function placeAt(file: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  // An empty file has no lines.
  return `${file}:${Math.max(1, line)}:${Math.max(1, col)}`;
}

/** Offsets of a value and its key. */
interface Found {
  readonly value: number;
  readonly key: number;
}

function findNode(yaml: typeof import("yaml"), root: Document, path: DataPath): Found {
  const offset = (node: unknown): number | undefined => (yaml.isNode(node) ? node.range?.[0] : undefined);
  const target = (node: unknown): Node | null => {
    const resolved = yaml.isAlias(node) ? node.resolve(root) : node;
    return yaml.isNode(resolved) ? resolved : null;
  };
  let node = target(root.contents);
  let found: Found = { value: offset(node) ?? 0, key: offset(node) ?? 0 };
  for (const part of path) {
    const pair = yaml.isMap(node)
      ? node.items.find(({ key }) => String(yaml.isScalar(key) ? key.value : key) === part)
      : null;
    const next: unknown = yaml.isSeq(node) ? node.items[part as number] : pair?.value;
    const at = offset(next);
    if (at === undefined) break;
    found = { value: at, key: offset(pair?.key) ?? at };
    node = target(next);
  }
  return found;
}
