/** Let the rows of a table be sorted by a column: its heads of columns with numbers become buttons. Again turns the order around. */
export function makeSortable(table: HTMLTableElement): void {
  const [head] = table.tHead?.rows ?? [];
  const [body] = table.tBodies;
  if (head === undefined || body === undefined || body.rows.length < 3 || table.dataset.sortable !== undefined) return;
  table.dataset.sortable = "";
  for (const [column, cell] of [...head.cells].entries()) {
    const values = [...body.rows].map((row) => numberIn(row.cells[column]));
    if (cell.textContent === "" || values.filter((value) => value !== null).length < 2) continue;
    const button = document.createElement("button");
    button.append(...cell.childNodes);
    cell.append(button);
    button.addEventListener("click", () => {
      const falling = cell.ariaSort !== "descending";
      for (const other of head.cells) other.ariaSort = null;
      cell.ariaSort = falling ? "descending" : "ascending";
      const sign = falling ? -1 : 1;
      const rows = [...body.rows].sort((one, other) =>
        order(numberIn(one.cells[column]), numberIn(other.cells[column]), sign),
      );
      body.append(...rows);
    });
  }
}

/** Cells without a number come last. */
function order(one: number | null, other: number | null, sign: number): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  return sign * (one - other);
}

/** The first number in a cell: of "95.1 ± 0.3" 95.1. */
function numberIn(cell: HTMLTableCellElement | undefined): number | null {
  const found = /^[^\d-]{0,3}(-?\d+(?:\.\d+)?)/.exec(cell?.textContent?.trim().replace("−", "-") ?? "");
  return found === null ? null : Number(found[1]);
}
