import type { ComponentChildren } from "preact";

/** A table row with a header cell. */
export function Row({ head, children }: { head: ComponentChildren; children: ComponentChildren }) {
  return (
    <tr>
      <th scope="row">{head}</th>
      {children}
    </tr>
  );
}

/** A table that scrolls on its own when it is too wide; column names must be unique. */
export function Table(props: {
  caption?: string;
  columns: readonly string[];
  class?: string;
  /** What is shown of a column's name. */
  shown?(column: string, place: number): ComponentChildren;
  children: ComponentChildren;
}) {
  const { caption, columns, shown = (column: string) => column, children } = props;
  return (
    <div class="scroll">
      <table class={props.class}>
        {caption && <caption>{caption}</caption>}
        <thead>
          <tr>
            {columns.map((column, place) => (
              <th scope="col" key={column}>
                {shown(column, place)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
