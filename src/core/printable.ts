/** Control characters, changes of direction and all line breaks: they could control a terminal or disguise a line. */
export const STEERING: RegExp = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** The same but for the line breaks between the lines of indented JSON: those in strings are escaped already. */
const STEERING_WITHIN = /(?!\n)[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Untrusted text made safe for a terminal or page: on one line, with control characters as escapes. */
export function printable(text: string): string {
  return escaped(text, STEERING);
}

/** A value as indented JSON that is safe for a terminal: control characters in strings are escaped, with the same meaning. */
export function printableJson(value: unknown): string {
  return escaped(JSON.stringify(value, null, 2), STEERING_WITHIN);
}

/**
 * The text of `printableJson` of an object, in pieces: one for each field, or for each element of a list, so
 * that hundreds of megabytes need not be held at once.
 */
export function* printableJsonPieces(value: object): Generator<string> {
  const indented = (part: unknown, spaces: number): string =>
    printableJson(part).replaceAll("\n", `\n${" ".repeat(spaces)}`);
  let first = true;
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined) continue;
    const start = `${first ? "{" : ","}\n  ${printableJson(name)}: `;
    first = false;
    if (!Array.isArray(field) || field.length === 0) {
      yield `${start}${indented(field, 2)}`;
      continue;
    }
    yield `${start}[`;
    for (const [n, element] of field.entries()) yield `${n === 0 ? "" : ","}\n    ${indented(element ?? null, 4)}`;
    yield "\n  ]";
  }
  yield first ? "{}" : "\n}";
}

function escaped(text: string, what: RegExp): string {
  return text.replace(what, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
