import type { LineCounter } from "yaml";
import { UsageError } from "../../core/errors.ts";
import { checkedTokens, type FailAt } from "./tokens.ts";
import { keyOf, Values } from "./values.ts";

/** Keys and indices that lead from the root of a document to a value. */
export type DataPath = readonly (string | number)[];

/** Data of a YAML file that knows where it was written. */
export interface PlacedYaml {
  readonly data: unknown;
  /** "file:line:column" of the value at a path, or of the nearest value above it that there is. */
  place(path: DataPath): string;
  /** The error of what is wrong with the value at a path: its place and a sentence, which is cut where the file's words make it long. */
  mistake(path: DataPath, why: string): UsageError;
  /** The same of the key that a path ends with. */
  mistakeOfKey(path: DataPath, why: string): UsageError;
}

const MAX_SENTENCE = 600;

/**
 * Read one YAML 1.2 document (merge keys, <<, allowed). Loads the package yaml. All YAML that anything here reads comes through this door:
 * time and memory are bounded by the length of the text, whatever stands in it.
 *
 * @param file what messages call it
 * @throws UsageError at the first mistake, as "file:line:column: sentence"; also for text of more than 2 ** 18
 *   characters, as it is or with its aliases written out, nesting deeper than 64, keys that are no scalars, and values that hold themselves
 */
export async function readYaml(text: string, file: string): Promise<PlacedYaml> {
  const yaml = await import("yaml");
  const lines = new yaml.LineCounter();
  const mistakeAt = (offset: number, why: string) => new UsageError(`${placeAt(file, lines, offset)}: ${cut(why)}`);
  const fail: FailAt = (offset, why) => {
    throw mistakeAt(offset, /[.?]$/.test(why) ? why : `${why}.`);
  };
  const tokens = checkedTokens(yaml, text, lines, fail);
  // Keys that stand twice are found as values are made: the composer compares each key with all others.
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

/** A sentence that quotes the file, never long: what is to be done stands at its end, and stays. */
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
