/** Text out of files, as a terminal may get it: on one line, control characters (which could steer it) as escapes. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
