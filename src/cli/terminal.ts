import pc from "picocolors";
import { printable, printableJson } from "../core/printable.ts";
import { breaksIn, brokenAt } from "./line-breaks.ts";

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

/** Most columns of a page of text. */
const PAGE_WIDTH = 80;

/** Columns of text that people read on stdout: a page, or less where the terminal is narrower. */
export function pageWidth(): number {
  return Math.min(PAGE_WIDTH, process.stdout.columns || PAGE_WIDTH);
}

// All output of the commands goes through here, so that no text from a file can control the terminal; a test checks the sources for it.

/** Print a line on stdout; a terminal gets it in lines of its page, without a break in a command, and others get it whole. */
export function printLine(...pieces: readonly Piece[]): void {
  console.log(lineOf(pieces, breaksFor(process.stdout, pieces)));
}

/** Print lines on stdout as they are: tables, text that is in lines already, and scripts. */
export function printLines(lines: readonly string[]): void {
  for (const line of lines) console.log(printable(line));
}

/** Print a command to copy on stdout, which is never broken. */
export function printCommand(...pieces: readonly Piece[]): void {
  console.log(lineOf(pieces));
}

/** Print a value as JSON on stdout. */
export function printJson(value: unknown): void {
  console.log(printableJson(value));
}

/** Print a line on stderr, broken as `printLine` breaks it. */
export function sayLine(...pieces: readonly Piece[]): void {
  console.error(lineOf(pieces, breaksFor(process.stderr, pieces)));
}

/** Write whole lines to a stream unchanged, except for characters that could control a terminal. */
export function writeLines(stream: NodeJS.WriteStream, text: string): void {
  stream.write(text.split("\n").map(printable).join("\n"));
}

/** Where a line is broken for a stream: a file or another program gets whole lines. */
function breaksFor({ isTTY, columns }: NodeJS.WriteStream, pieces: readonly Piece[]): readonly number[] {
  if (!isTTY) return [];
  const text = pieces.map((piece) => printable(typeof piece === "string" ? piece : piece.text)).join("");
  return breaksIn(text, Math.min(PAGE_WIDTH, columns || PAGE_WIDTH));
}

/** @param breaks positions of spaces that become ends of lines */
function lineOf(pieces: readonly Piece[], breaks: readonly number[] = []): string {
  let at = 0;
  return pieces
    .map((piece) => {
      const text = printable(typeof piece === "string" ? piece : piece.text);
      const broken = brokenAt(
        text,
        breaks.map((place) => place - at),
      );
      at += text.length;
      return typeof piece === "string" ? broken : piece.colour(broken);
    })
    .join("");
}
