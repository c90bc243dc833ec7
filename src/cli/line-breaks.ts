/** What begins the lines of a sentence after the first. */
const HANGING = "    ";

/** A command within a sentence: up to the end of the sentence, or of the part of it. */
const COMMAND = /lora-lego [a-z]+(?: (?!\()(?:'[^']*'|[^\s'])+?(?=[,;:.)]*(?:\s|$)))*?(?=[,;:)]|\.(?:\s|$)| \(|$)/g;

/**
 * The positions of the spaces at which a line is broken so that it fits a width; none within a command to copy, which may be wider.
 *
 * @param text one line
 */
export function breaksIn(text: string, width: number): number[] {
  const whole = Array.from(text.matchAll(COMMAND), ({ index, 0: { length } }) => [index, index + length] as const);
  const breaks: number[] = [];
  const start = text.search(/\S/);
  let begin = 0;
  let last = -1;
  for (let at = Math.max(0, start); at <= text.length; at++) {
    if (at < text.length && text[at] !== " ") continue;
    if (whole.some(([from, to]) => at > from && at < to)) continue;
    const room = width - (breaks.length === 0 ? 0 : HANGING.length);
    if (at - begin > room && last >= begin && last > 0) {
      breaks.push(last);
      begin = last + 1;
    }
    last = at;
  }
  return breaks;
}

/** A text whose spaces at these positions became ends of lines. @param breaks positions outside of it are ignored */
export function brokenAt(text: string, breaks: readonly number[]): string {
  const own = breaks.filter((place) => place >= 0 && place < text.length);
  const starts = [0, ...own.map((place) => place + 1)];
  return starts.map((start, line) => text.slice(start, own[line])).join(`\n${HANGING}`);
}
