import type { LineCounter } from "yaml";
import { UsageError } from "../../core/errors.ts";
import { checkedTokens, type FailAt } from "./tokens.ts";
import { keyOf, Values } from "./values.ts";

/** Keys and indices that lead from the root of a document to a value. */
export type DataPath = readonly (string | number)[];

/** Data of a YAML file, with the place of each value. */
export interface PlacedYaml {
  readonly data: unknown;
  /** "file:line:column" of the value at a path, or of its nearest existing parent. */
  place(path: DataPath): string;
  /** An error about the value at a path: its place and a sentence, shortened where quoted text makes it long. */
  mistake(path: DataPath, why: string): UsageError;
  /** The same for the key at the end of a path. */
  mistakeOfKey(path: DataPath, why: string): UsageError;
}

const MAX_SENTENCE = 600;

/**
 * Read one YAML 1.2 document (merge keys, <<, allowed). Loads the package yaml. All YAML is read through this function:
 * time and memory are bounded by the length of the text, whatever it contains.
 *
 * @param file what messages call it
 * @throws UsageError at the first mistake, as "file:line:column: sentence"; also for text of more than 2 ** 18 characters, as it is
 *   or with its aliases expanded, nesting deeper than 64, keys that are not scalars, and values that contain themselves
 */
export async function readYaml(text: string, file: string): Promise<PlacedYaml> {
  const yaml = await import("yaml");
  const lines = new yaml.LineCounter();
  const mistakeAt = (offset: number, why: string) => new UsageError(`${placeAt(file, lines, offset)}: ${cut(why)}`);
  const fail: FailAt = (offset, why) => {
    throw mistakeAt(offset, /[.?]$/.test(why) ? why : `${why}.`);
  };
  const tokens = checkedTokens(yaml, text, lines, fail);
  // `Values` finds duplicate keys, since the composer would compare each key with all others.
  const composer = new yaml.Composer({ prettyErrors: false, uniqueKeys: false, resolveKnownTags: false });
  const [root] = composer.compose(tokens, true, text.length);
  const [error] = [...root!.errors, ...root!.warnings];
  if (error !== undefined) fail(error.pos[0], `${error.message.replace(/\.$/, "")}; correct the YAML`);
  const values = new Values(yaml, fail);
  const data = values.make(root!.contents);
  const find = (path: DataPath): Found => findNode(yaml, values, root!.contents, path);
  return {
    data,
    place: (path) => placeAt(file, lines, find(path).value),
    mistake: (path, why) => mistakeAt(find(path).value, why),
    mistakeOfKey: (path, why) => mistakeAt(find(path).key, why),
  };
}

/** Shorten a sentence that quotes the file in its middle, which keeps the fix at its end. */
function cut(sentence: string): string {
  return sentence.length <= MAX_SENTENCE ? sentence : `${sentence.slice(0, 300)} ... ${sentence.slice(-200)}`;
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

function findNode(yaml: typeof import("yaml"), values: Values, root: unknown, path: DataPath): Found {
  const offset = (node: unknown): number | undefined => (yaml.isNode(node) ? node.range?.[0] : undefined);
  let node = values.target(root);
  let found: Found = { value: offset(node) ?? 0, key: offset(node) ?? 0 };
  for (const part of path) {
    const pair = yaml.isMap(node) ? node.items.find(({ key }) => keyOf(key) === part) : null;
    const next: unknown = yaml.isSeq(node) ? node.items[part as number] : pair?.value;
    const at = offset(next);
    if (at === undefined) break;
    found = { value: at, key: offset(pair?.key) ?? at };
    node = values.target(next);
  }
  return found;
}
