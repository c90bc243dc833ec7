import Table from "cli-table3";
import { printable } from "../core/printable.ts";

/** Lines of a plain table: numbers to the right, no lines between rows. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const aligned = head.map((_, column) => (rows.every((row) => typeof row[column] === "number") ? "right" : "left"));
  const made = new Table({
    head: head.map(printable),
    colAligns: aligned as ("left" | "right")[],
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2 },
    chars: Object.fromEntries(
      "top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid middle"
        .split(" ")
        .map((part) => [part, ""]),
    ),
  });
  made.push(...rows.map((row) => row.map((cell) => printable(String(cell)))));
  return made
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
}
