/** The names of one model's modules. */
export interface NameTable {
  /** Whether a dotted path is one of them. */
  has(path: string): boolean;
  /** The dotted path of a name whose dots were written as underscores; null where the table has none. */
  dotted(underscored: string): string | null;
}

/**
 * A table of dotted paths.
 *
 * @param patterns paths in which # stands for any number and {a,b} for one of several texts (braces do not nest)
 */
export function nameTable(...patterns: readonly string[]): NameTable {
  const paths = patterns.flatMap(expanded);
  const withDots = indexed(paths, (path) => path);
  const withUnderscores = indexed(paths, (path) => path.replaceAll(".", "_"));
  return {
    has: (path) => withDots(path) !== null,
    dotted(underscored) {
      const found = withUnderscores(underscored);
      return found === null ? null : found.path.replaceAll("#", () => found.numbers.shift()!);
    },
  };
}

/** Finds the pattern of a spelled path and the numbers in it, by the path without its numbers, so independent of the table's size. */
function indexed(paths: readonly string[], spell: (path: string) => string) {
  const byShape = new Map<string, { readonly path: string; readonly pattern: RegExp }[]>();
  const shapeOf = (text: string): string => text.replace(/\d+/g, "#");
  for (const path of paths) {
    const entry = { path, pattern: new RegExp(`^${source(spell(path))}$`) };
    const shape = shapeOf(spell(path));
    byShape.set(shape, [...(byShape.get(shape) ?? []), entry]);
  }
  return (text: string): { readonly path: string; readonly numbers: string[] } | null => {
    for (const { path, pattern } of byShape.get(shapeOf(text)) ?? []) {
      const match = pattern.exec(text);
      if (match !== null) return { path, numbers: match.slice(1) };
    }
    return null;
  };
}

/** Expands a pattern: once for each text in its braces. */
function expanded(pattern: string): string[] {
  const braces = /\{([^}]*)\}/.exec(pattern);
  if (braces === null) return [pattern];
  const [group, choices] = braces as unknown as [string, string];
  return choices.split(",").flatMap((choice) => expanded(pattern.replace(group, () => choice)));
}

/** The source of a regular expression for a path; numbers have no leading zeros, so that they come back as they were. */
function source(path: string): string {
  return path.replaceAll(".", "\\.").replaceAll("#", "(0|[1-9]\\d*)");
}
