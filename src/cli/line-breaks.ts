/** What begins the lines of a sentence after the first. */
const HANGING = "    ";

/** A word, up to the punctuation after it. */
const WORD = String.raw`(?:'(?:[^']|'\\'')*'|[^\s'])+?(?=[,;:.)]*(?:\s|$))`;
/** A word that is no flag, and does not begin with a bracket. */
const ARGUMENT = `(?: (?![-(])${WORD})`;
/** A flag with at most one value, but --of with all words up to a flag or the end of that part of the sentence. */
const FLAG = `(?: --of${ARGUMENT}*?(?= --|[,;:)]|\\.(?:\\s|$)| \\(|$)| --?[a-z][a-z-]*(?: (?!--|\\()${WORD})?)`;
/** A command within a sentence. Without flags only its first adapter is part of it: nothing tells another from the words after it. */
const COMMAND = new RegExp(`lora-lego [a-z]+(?:${ARGUMENT}*?${FLAG}+|${ARGUMENT}?)`, "g");

/**
 * The positions of the spaces at which a line is broken so that it fits a width; none within a command to copy, which may be wider.
 *
 * @param text one line
 */
export function breaksIn(text: string, width: number): number[] {
  const breaks: number[] = [];
  const start = text.search(/\S/);
  let begin = 0;
  let last = -1;
  for (const at of [...spacesIn(text), text.length]) {
    if (at < start) continue;
    const room = width - (breaks.length === 0 ? 0 : HANGING.length);
    if (at - begin > room && last >= begin && last > 0) {
      breaks.push(last);
      begin = last + 1;
    }
    last = at;
  }
  return breaks;
}

/** A text's words, of which a command to copy is one. */
export function wordsOf(text: string): string[] {
  const spaces = spacesIn(text);
  return [-1, ...spaces].map((space, n) => text.slice(space + 1, spaces[n]));
}

/** The positions of the spaces outside of commands. */
function spacesIn(text: string): number[] {
  const whole = Array.from(text.matchAll(COMMAND), ({ index, 0: { length } }) => [index, index + length] as const);
  return Array.from(text.matchAll(/ /g), ({ index }) => index).filter(
    (at) => !whole.some(([from, to]) => at > from && at < to),
  );
}

/** A text whose spaces at these positions became ends of lines. @param breaks positions outside of it are ignored */
export function brokenAt(text: string, breaks: readonly number[]): string {
  const own = breaks.filter((place) => place >= 0 && place < text.length);
  const starts = [0, ...own.map((place) => place + 1)];
  return starts.map((start, line) => text.slice(start, own[line])).join(`\n${HANGING}`);
}
