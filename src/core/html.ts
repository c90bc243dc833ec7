import { printable } from "./printable.ts";

/** A text escaped for HTML and SVG; bidirectional controls in it cannot affect the text around it. */
export function escapeHtml(text: string): string {
  return printable(text).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A table; cells are shown unchanged. */
export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  return `<table><thead>${row(head, "th")}</thead><tbody>${rows.map((cells) => row(cells, "td")).join("")}</tbody></table>`;
}
