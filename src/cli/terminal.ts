import pc from "picocolors";
import { printable, printableJson } from "../core/printable.ts";

/** A piece of a line: text, which may come out of files, or text in a colour of ours. */
type Piece = string | { readonly text: string; readonly colour: (text: string) => string };

const coloured =
  (colour: (text: string) => string) =>
  (text: string): Piece => ({ text, colour });

export const red: (text: string) => Piece = coloured(pc.red);
export const yellow: (text: string) => Piece = coloured(pc.yellow);
export const green: (text: string) => Piece = coloured(pc.green);
export const dim: (text: string) => Piece = coloured(pc.dim);

// All that a command says leaves here, so that no text out of a file can steer the terminal; a test over the sources says so.

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

/** Say a line on stderr. */
export function sayLine(...pieces: readonly Piece[]): void {
  console.error(lineOf(pieces));
}

/** Write text of whole lines to a stream as it is, but for what could steer a terminal. */
export function writeLines(stream: NodeJS.WriteStream, text: string): void {
  stream.write(text.split("\n").map(printable).join("\n"));
}

function lineOf(pieces: readonly Piece[]): string {
  return pieces
    .map((piece) => (typeof piece === "string" ? printable(piece) : piece.colour(printable(piece.text))))
    .join("");
}
