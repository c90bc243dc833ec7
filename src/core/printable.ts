/** Control characters, changes of direction and all line breaks: they could control a terminal or disguise a line. */
export const STEERING: RegExp = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Untrusted text made safe for a terminal or page: on one line, with control characters as escapes. */
export function printable(text: string): string {
  return text.replace(STEERING, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A value as indented JSON that is safe for a terminal: control characters in strings are escaped, with the same meaning. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, null, 2).split("\n").map(printable).join("\n");
}
