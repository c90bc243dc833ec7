import { printable } from "../core/printable.ts";
import { wordsOf } from "./line-breaks.ts";
import { bold, pageWidth, printCommand, printLine, printLines } from "./terminal.ts";

/** Print a paragraph within the page, on a terminal and elsewhere, its lines after the first indented. */
export function printParagraph(text: string, indent = 2): void {
  printLines(wrapped(printable(text), indent));
}

/**
 * Text in lines of the page, broken between words and never within a command to copy; all lines but the first are indented.
 *
 * @param before characters that stand before the first line
 */
export function wrapped(text: string, indent: number, before = 0): string[] {
  const lines: string[] = [];
  for (const word of wordsOf(text)) {
    const last = lines.at(-1);
    const room = pageWidth() - (lines.length === 1 ? before : 0);
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(lines.length === 0 ? word : `${" ".repeat(indent)}${word}`);
  }
  return lines;
}

/** A name that fits a column: names of a set often differ in their ends, so the middle is left out. */
export function cut(text: string, most: number): string {
  const shown = printable(text);
  if (shown.length <= most) return shown;
  const end = Math.floor((most - 1) / 2);
  return `${shown.slice(0, most - 1 - end)}…${shown.slice(-end)}`;
}

/** A cosine with two decimals; what rounds to zero has no sign. */
export function cosineShown(value: number | null): string {
  return value === null ? "-" : value.toFixed(2).replace(/^-(0\.00)$/, "$1");
}

/** Something to do next: why, and the command or what to change; null if words are all there is. */
export interface NextStep {
  readonly why: string;
  readonly how: string | null;
}

/** Print what to do next, with commands to copy. */
export function printNext(steps: readonly NextStep[]): void {
  if (steps.length === 0) return;
  printLine(bold("Try next:"));
  for (const { why, how } of steps) {
    printParagraph(`  ${why}`, 2);
    if (how !== null) printCommand(`    ${how}`);
  }
}
