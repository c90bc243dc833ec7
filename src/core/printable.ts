/** Controls, changes of direction, and line breaks of any kind: what could steer a terminal, or make one line look like another. */
const STEERING = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Text that may come out of files, as a terminal or a page may get it: on one line, what could steer it as escapes. */
export function printable(text: string): string {
  return text.replace(STEERING, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A value as indented JSON that a terminal may get: what could steer it is escaped in its strings, which mean the same. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, null, 2).split("\n").map(printable).join("\n");
}
