/** The names of one model's modules. */
export interface NameTable {
  /** Whether a dotted path is one of them. */
  has(path: string): boolean;
  /** The dotted path of a name whose dots were written as underscores; null where it is none of them. */
  dotted(underscored: string): string | null;
}

/**
 * A table of dotted paths.
 *
 * @param patterns paths, where # stands for any number and {a,b} for one of several texts (braces do not nest)
 */
export function nameTable(...patterns: readonly string[]): NameTable {
  const paths = patterns.flatMap(expanded);
  const withDots = new RegExp(`^(?:${paths.map((path) => source(path)).join("|")})$`);
  const withUnderscores = paths.map((path) => [path, new RegExp(`^${source(path.replaceAll(".", "_"))}$`)] as const);
  return {
    has: (path) => withDots.test(path),
    dotted(underscored) {
      for (const [path, pattern] of withUnderscores) {
        const numbers = pattern.exec(underscored)?.slice(1);
        if (numbers !== undefined) return path.replaceAll("#", () => numbers.shift()!);
      }
      return null;
    },
  };
}

/** A pattern once for each text in its braces. */
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
