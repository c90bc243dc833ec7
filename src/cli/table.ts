import Table from "cli-table3";
import { printable } from "./printable.ts";

/** A plain table: numbers to the right, no lines between rows. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const aligned = head.map((_, column) => (rows.every((row) => typeof row[column] === "number") ? "right" : "left"));
  const made = new Table({
    head: [...head],
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
    .map((line) => line.trimEnd())
    .join("\n");
}

/** A figure with three decimals, or four digits where it is large or tiny; a dash for none. */
export function figure(value: number | null): string {
  if (value === null) return "-";
  const size = Math.abs(value);
  return size >= 1e4 || (size > 0 && size < 5e-4) ? value.toPrecision(4) : value.toFixed(3);
}

/** A size in the unit that fits. */
export function bytes(count: number): string {
  if (count < 1e6) return `${(count / 1e3).toFixed(1)} kB`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(2)} GB`;
}
