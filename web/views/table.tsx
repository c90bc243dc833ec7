import type { ComponentChildren } from "preact";

/** A row of a table, which its first cell names. */
export function Row({ head, children }: { head: ComponentChildren; children: ComponentChildren }) {
  return (
    <tr>
      <th scope="row">{head}</th>
      {children}
    </tr>
  );
}

/** A table that scrolls by itself where it is too wide; its columns' names differ. */
export function Table(props: {
  caption?: string;
  columns: readonly string[];
  class?: string;
  children: ComponentChildren;
}) {
  const { caption, columns, children } = props;
  return (
    <div class="scroll">
      <table class={props.class}>
        {caption && <caption>{caption}</caption>}
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col" key={column}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
