import type { ComponentChildren } from "preact";

/** What every field has. */
export interface Labelled {
  label: string;
  /** The command line's flag for it, by which refusals call it. */
  flag?: string | undefined;
  describedBy?: string | undefined;
}

/** What a field is called. */
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

/** Text or a number that is typed; it keeps what was typed, also half a number. */
export function Field(
  props: Labelled & {
    /** What it holds at first. */
    value: string | number | undefined;
    /** Set for numbers. */
    number?: { min?: number; step?: number | "any" };
    placeholder?: string;
    children?: ComponentChildren;
    onType(text: string): void;
  },
) {
  const { label, flag, value, number, placeholder, describedBy, children, onType } = props;
  return (
    <label>
      <Caption label={label} flag={flag} />
      <input
        {...(number !== undefined && { type: "number", ...number })}
        defaultValue={value === undefined ? "" : String(value)}
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
