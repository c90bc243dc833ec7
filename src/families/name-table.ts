/** What a table has under a path, and the numbers in it. */
export interface Found<T> {
  readonly value: T;
  readonly numbers: readonly string[];
}

/** Values by the paths of one model's modules. */
export interface NameTable<T> {
  /** The value of a dotted path; null where the table has none. */
  find(path: string): Found<T> | null;
  /** The same for a path whose dots were written as underscores. */
  findUnderscored(path: string): Found<T> | null;
}

/**
 * A table of paths.
 *
 * @param entries patterns of paths, in which # stands for any number, with their values; of equal patterns the first counts
 */
export function nameTable<T>(entries: Iterable<readonly [pattern: string, value: T]>): NameTable<T> {
  const all = [...entries];
  return {
    find: indexed(all),
    findUnderscored: indexed(all.map(([path, value]) => [path.replaceAll(".", "_"), value])),
  };
}

/** Finds the pattern of a path by the path without its numbers, so independent of the table's size. */
function indexed<T>(entries: readonly (readonly [pattern: string, value: T])[]) {
  const shapeOf = (text: string): string => text.replace(/\d+/g, "#");
  const byShape = new Map<string, { readonly pattern: RegExp; readonly value: T }[]>();
  for (const [path, value] of entries) {
    const shape = shapeOf(path);
    byShape.set(shape, [...(byShape.get(shape) ?? []), { pattern: new RegExp(`^${source(path)}$`), value }]);
  }
  return (text: string): Found<T> | null => {
    for (const { pattern, value } of byShape.get(shapeOf(text)) ?? []) {
      const match = pattern.exec(text);
      if (match !== null) return { value, numbers: match.slice(1) };
    }
    return null;
  };
}

/** The source of a regular expression for a path; numbers have no leading zeros, so that they come back as they were. */
function source(path: string): string {
  return path.replaceAll(".", "\\.").replaceAll("#", "(0|[1-9]\\d*)");
}

/** A pattern with these numbers. */
export function filledIn(pattern: string, numbers: readonly string[]): string {
  let next = 0;
  return pattern.replaceAll("#", () => numbers[next++]!);
}

/** Expand a pattern's braces: once for each text in them, such as {a,b}. */
export function expanded(pattern: string): string[] {
  return choicesOf(pattern).map((choice) => chosen(pattern, choice));
}

/** Expand the braces of two patterns together: the first text of a group goes with the first of the other's. */
export function expandedTogether(pattern: string, other: string): [string, string][] {
  return choicesOf(pattern).map((choice) => [chosen(pattern, choice), chosen(other, choice)]);
}

const GROUP = /\{([^}]*)\}/;

function choicesOf(pattern: string): number[][] {
  const group = GROUP.exec(pattern);
  if (group === null) return [[]];
  const rest = choicesOf(pattern.slice(group.index + group[0].length));
  return group[1]!.split(",").flatMap((_, first) => rest.map((others) => [first, ...others]));
}

function chosen(pattern: string, choice: readonly number[]): string {
  const [first, ...others] = choice;
  const group = GROUP.exec(pattern);
  if (group === null || first === undefined) return pattern;
  const end = group.index + group[0].length;
  const text = group[1]!.split(",")[first];
  if (text === undefined) throw new Error(`${pattern} has too few texts in its braces`);
  return pattern.slice(0, group.index) + text + chosen(pattern.slice(end), others);
}
