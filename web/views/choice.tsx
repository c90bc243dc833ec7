import type { ComponentChildren } from "preact";

/** One of several values, by name. */
export function Choice<Value extends string | number>(props: {
  label: string;
  value: Value;
  options: readonly { readonly value: Value; readonly text: string }[];
  describedBy?: string | undefined;
  /** What stands behind it. */
  children?: ComponentChildren;
  onChoose(value: string): void;
}) {
  const { label, value, options, describedBy, children, onChoose } = props;
  return (
    <label>
      {label}
      <select value={value} aria-describedby={describedBy} onChange={(event) => onChoose(event.currentTarget.value)}>
        {options.map(({ value: own, text }) => (
          <option value={own} key={own}>
            {text}
          </option>
        ))}
      </select>
      {children}
    </label>
  );
}
