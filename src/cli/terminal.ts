import pc from "picocolors";
import { printable, printableJson } from "../core/printable.ts";

/** A piece of a line: text, which may come from files, or text in one of our colours. */
type Piece = string | { readonly text: string; readonly colour: (text: string) => string };

const coloured =
  (colour: (text: string) => string) =>
  (text: string): Piece => ({ text, colour });

export const red: (text: string) => Piece = coloured(pc.red);
export const yellow: (text: string) => Piece = coloured(pc.yellow);
export const green: (text: string) => Piece = coloured(pc.green);
export const bold: (text: string) => Piece = coloured(pc.bold);
export const dim: (text: string) => Piece = coloured(pc.dim);

// All output of the commands goes through here, so that no text from a file can control the terminal; a test checks the sources for it.

/** Print a line on stdout. */
export function printLine(...pieces: readonly Piece[]): void {
  console.log(lineOf(pieces));
}

/** Print lines on stdout. */
export function printLines(lines: readonly string[]): void {
  for (const line of lines) printLine(line);
}

/** Print a value as JSON on stdout. */
export function printJson(value: unknown): void {
  console.log(printableJson(value));
}

/** Print a line on stderr. */
export function sayLine(...pieces: readonly Piece[]): void {
  console.error(lineOf(pieces));
}

/** Write whole lines to a stream unchanged, except for characters that could control a terminal. */
export function writeLines(stream: NodeJS.WriteStream, text: string): void {
  stream.write(text.split("\n").map(printable).join("\n"));
}

function lineOf(pieces: readonly Piece[]): string {
  return pieces
    .map((piece) => (typeof piece === "string" ? printable(piece) : piece.colour(printable(piece.text))))
    .join("");
}
