import type { ComponentChildren } from "preact";

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
