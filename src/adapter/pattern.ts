import { RefusedError } from "../core/errors.ts";

/** Characters that mean themselves in a regular expression, and the dot of module paths. */
const PLAIN = /^[\w.-]*$/;
/** Far longer than any pattern for module names. */
const MAX_PATTERN_CHARACTERS = 1000;
const MAX_DEPTH = 10;
/** Limits of repetitions in a pattern, and of patterns that are not plain names: above any real config, yet fast. */
const MAX_REPETITIONS = 8;
const MAX_EXPRESSIONS = 1000;
/** What matches one character: itself, an escape or a class that Python and JavaScript read alike. */
const SINGLE = /[^\\()[\]{}*+?|^$]|\\(?:[dwsDWS]|[^A-Za-z0-9])|\[\^?(?:[^\\[\]^]|\\[dws]|\\[^A-Za-z0-9])+\]/y;

/**
 * PEFT's rule for rank_pattern and alpha_pattern: the first pattern, in the file's order, that matches a module's whole name
 * or its end after a dot, like "(.*\.)?(pattern)$". Time is polynomial in the lengths, whatever the pattern.
 *
 * @returns a function from module name to the value of its pattern, or to `absent`
 * @throws RefusedError when a pattern holds more than characters, classes and their repetitions, groups, alternatives, ^ and $
 */
export function patternLookup(
  patterns: readonly (readonly [string, number])[],
  absent: number,
  where: string,
): (moduleName: string) => number {
  if (patterns.filter(([pattern]) => !PLAIN.test(pattern)).length > MAX_EXPRESSIONS) {
    throw new RefusedError(
      `${where} has more than ${MAX_EXPRESSIONS} regular expressions; name the modules in plain words.`,
    );
  }
  const compiled = patterns.map(([pattern, value]) => [compile(pattern, where), value] as const);
  return (moduleName) => compiled.find(([matches]) => matches(moduleName))?.[1] ?? absent;
}

function compile(pattern: string, where: string): (moduleName: string) => boolean {
  try {
    if (pattern.length > MAX_PATTERN_CHARACTERS) throw new SyntaxError("it is too long");
    if (PLAIN.test(pattern)) return (moduleName) => endsWithPlain(moduleName, pattern);
    const part = new PatternParser(pattern).parse();
    return (moduleName) => part(moduleName, starts(moduleName)).has(moduleName.length);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new RefusedError(
      `${where}: the pattern ${JSON.stringify(pattern.slice(0, 80))} cannot be read (${error.message}); name the modules in plain words.`,
    );
  }
}

/** Whether a plain pattern matches a name whole or its end after a dot; a dot in the pattern is any character. */
function endsWithPlain(moduleName: string, pattern: string): boolean {
  const from = moduleName.length - pattern.length;
  if (from < 0 || (from > 0 && moduleName[from - 1] !== ".")) return false;
  for (let i = 0; i < pattern.length; i++) {
    if (pattern[i] !== "." && pattern[i] !== moduleName[from + i]) return false;
  }
  return true;
}

/** Where a pattern may begin: at the name's start and after each dot. */
function starts(moduleName: string): Set<number> {
  const found = new Set([0]);
  for (let dot = moduleName.indexOf("."); dot >= 0; dot = moduleName.indexOf(".", dot + 1)) found.add(dot + 1);
  return found;
}

/**
 * A piece of a pattern: maps the positions `from` to all positions where a match that begins there ends. Sets of positions
 * replace backtracking, so no pattern takes exponential time.
 */
type Part = (text: string, from: ReadonlySet<number>) => ReadonlySet<number>;

/** Reads the syntax that Python's re and JavaScript's RegExp share; everything else is a SyntaxError. */
class PatternParser {
  readonly #pattern: string;
  #at = 0;
  #repetitions = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  parse(): Part {
    const part = this.#alternatives(0);
    if (this.#at < this.#pattern.length) throw new SyntaxError("it has a parenthesis too many");
    return part;
  }

  #alternatives(depth: number): Part {
    if (depth > MAX_DEPTH) throw new SyntaxError("its groups nest too deep");
    const branches = [this.#sequence(depth)];
    while (this.#take(/\|/y)) branches.push(this.#sequence(depth));
    return (text, from) => new Set(branches.flatMap((branch) => [...branch(text, from)]));
  }

  #sequence(depth: number): Part {
    const parts: Part[] = [];
    while (this.#at < this.#pattern.length && !/[|)]/.test(this.#pattern[this.#at]!)) parts.push(this.#repeated(depth));
    return (text, from) => parts.reduce((ends, part) => part(text, ends), from);
  }

  #repeated(depth: number): Part {
    if (this.#take(/\^/y)) return (_, from) => new Set(from.has(0) ? [0] : []);
    if (this.#take(/\$/y)) return (text, from) => new Set(from.has(text.length) ? [text.length] : []);
    const isGroup = this.#pattern[this.#at] === "(";
    const part = this.#atom(depth);
    // A lazy repetition has the same matches.
    const count = this.#take(/(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/y);
    if (this.#take(/[*+?{]/y)) throw new SyntaxError("it repeats a repetition, or a range without a lower bound");
    if (!count) return part;
    if (isGroup) throw new SyntaxError("it repeats a group");
    if (++this.#repetitions > MAX_REPETITIONS) throw new SyntaxError(`it has more than ${MAX_REPETITIONS} repetitions`);
    const [sign, first, comma, last] = count;
    const least = Number(first ?? (sign[0] === "+" ? 1 : 0));
    if (first === undefined) return repeat(part, least, sign[0] === "?" ? 1 : Number.POSITIVE_INFINITY);
    const most = comma === "" ? least : Number(last || Number.POSITIVE_INFINITY);
    if (most < least) throw new SyntaxError("a range ends below its lower bound");
    return repeat(part, least, most);
  }

  #atom(depth: number): Part {
    if (this.#take(/\((?!\?)|\(\?:/y)) {
      const part = this.#alternatives(depth + 1);
      if (!this.#take(/\)/y)) throw new SyntaxError("a parenthesis is not closed");
      return part;
    }
    const single = this.#take(SINGLE);
    if (!single) throw new SyntaxError(`${JSON.stringify(this.#pattern.slice(this.#at))} is not understood`);
    const character = new RegExp(`^(?:${single[0]})$`);
    return (text, from) => new Set(Array.from(from).flatMap((at) => (character.test(text.charAt(at)) ? at + 1 : [])));
  }

  #take(token: RegExp): RegExpExecArray | null {
    token.lastIndex = this.#at;
    const match = token.exec(this.#pattern);
    if (match !== null) this.#at = token.lastIndex;
    return match;
  }
}

/** A part from `least` to `most` times. */
function repeat(part: Part, least: number, most: number): Part {
  return (text, from) => {
    let ends = from;
    // Ends only move forward, so there are none left after at most one round per character.
    for (let round = 0; round < least && ends.size > 0; round++) ends = part(text, ends);
    const all = new Set(ends);
    for (let round = least; round < most && ends.size > 0; round++) {
      ends = new Set([...part(text, ends)].filter((end) => !all.has(end)));
      for (const end of ends) all.add(end);
    }
    return all;
  };
}
