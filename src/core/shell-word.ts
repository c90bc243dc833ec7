import { STEERING } from "./printable.ts";

/** Text as one word of a command line in a POSIX shell, quoted only where it must be, on one line (`$'...'`, as bash, zsh and ksh read it). */
export function shellWord(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (text.search(STEERING) === -1) return `'${text.replaceAll("'", String.raw`'\''`)}'`;
  return `$'${text.replace(/[\\']/g, String.raw`\$&`).replace(STEERING, escaped)}'`;
}

/** A path as one word of a command line that no command takes for a flag. */
export function shellPath(path: string): string {
  return shellWord(path.startsWith("-") ? `./${path}` : path);
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  return code < 0x80 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}
