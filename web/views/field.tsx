import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** Properties of every field. */
export interface Labelled {
  label: string;
  /** Its command-line flag, which error messages name. */
  flag?: string | undefined;
  describedBy?: string | undefined;
}

/** A field's label. */
export function Caption({
  label,
  flag,
  children,
}: Pick<Labelled, "label" | "flag"> & { children?: ComponentChildren }) {
  return (
    <span>
      {label} {flag && <code>{flag}</code>} {children}
    </span>
  );
}

/** A text or number input; it keeps what is being typed, even an unfinished number. */
export function Field(
  props: Labelled & {
    value: string | number | undefined;
    /** Set for numbers. */
    number?: { min?: number; step?: number | "any" };
    placeholder?: string;
    /** What is to be known of the value, in a word. */
    note?: string | undefined;
    children?: ComponentChildren;
    onType(text: string): void;
  },
) {
  const { label, flag, value, number, placeholder, note, describedBy, children, onType } = props;
  const input = useRef<HTMLInputElement>(null);
  const shown = value === undefined ? "" : String(value);
  useLayoutEffect(() => {
    if (document.activeElement !== input.current) input.current!.value = shown;
  }, [shown]);
  return (
    <label>
      <Caption label={label} flag={flag}>
        {note !== undefined && <small>{note}</small>}
      </Caption>
      <input
        {...(number !== undefined && { type: "number", ...number })}
        ref={input}
        defaultValue={shown}
        placeholder={placeholder}
        aria-describedby={describedBy}
        onInput={(event) => onType(event.currentTarget.value)}
      />
      {children}
    </label>
  );
}

/** Yes or no. */
export function Check(
  props: Labelled & { checked: boolean; children?: ComponentChildren; onCheck(on: boolean): void },
) {
  const { label, flag, checked, describedBy, children, onCheck } = props;
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={checked}
        aria-describedby={describedBy}
        onChange={(event) => onCheck(event.currentTarget.checked)}
      />
      <Caption label={label} flag={flag}>
        {children}
      </Caption>
    </label>
  );
}
