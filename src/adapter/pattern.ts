import { RefusedError } from "../core/errors.ts";

/** Characters that mean themselves in a regular expression, and the dot, as module paths have them. */
const PLAIN = /^[\w.-]*$/;
/** A repeated group that holds a repetition: matching it can take time exponential in the name's length. */
const NESTED = /\([^()]*[+*}][^()]*\)[+*{?]/;

/**
 * PEFT's rule of rank_pattern and alpha_pattern: the first pattern, in the file's order, that matches the end of a module's
 * name from its start or from a dot on, as "(.*\.)?(pattern)$".
 *
 * @returns a function from module name to the value of its pattern, or to `absent`
 * @throws RefusedError when a pattern is no regular expression that both Python and JavaScript read alike
 */
export function patternLookup(
  patterns: readonly (readonly [string, number])[],
  absent: number,
  where: string,
): (moduleName: string) => number {
  const compiled = patterns.map(([pattern, value]) => [compile(pattern, where), value] as const);
  return (moduleName) => compiled.find(([expression]) => expression.test(moduleName))?.[1] ?? absent;
}

function compile(pattern: string, where: string): RegExp {
  if (PLAIN.test(pattern)) return new RegExp(`^(.*\\.)?(${pattern})$`);
  try {
    if (pattern.length > 1000 || NESTED.test(pattern)) throw new SyntaxError("repeats a repetition");
    return new RegExp(`^(.*\\.)?(${pattern})$`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RefusedError(
      `${where}: the pattern ${JSON.stringify(pattern.slice(0, 80))} cannot be read (${reason}); name the modules in plain words.`,
    );
  }
}
