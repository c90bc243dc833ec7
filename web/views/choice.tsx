import type { ComponentChildren } from "preact";
import { Caption, type Labelled } from "./field.tsx";

/** One of several values, by name. */
export function Choice<Value extends string | number>(
  props: Labelled & {
    value: Value;
    options: readonly { readonly value: Value; readonly text: string; readonly disabled?: boolean }[];
    /** Shown after it. */
    children?: ComponentChildren;
    onChoose(value: string): void;
  },
) {
  const { label, flag, value, options, describedBy, children, onChoose } = props;
  return (
    <label>
      <Caption label={label} flag={flag} />
      <select value={value} aria-describedby={describedBy} onChange={(event) => onChoose(event.currentTarget.value)}>
        {options.map(({ value: own, text, disabled }) => (
          <option value={own} key={own} disabled={disabled}>
            {text}
          </option>
        ))}
      </select>
      {children}
    </label>
  );
}
