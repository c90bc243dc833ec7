import { kebab } from "../../src/core/kebab.ts";
import { FIELD_NAMES, RECIPE_FIELDS } from "../../src/recipe/recipe-fields.ts";

/** A text in which fields of the form have their labels instead of their flags, where the form is not in sight. */
export function labelled(text: string): string {
  return text.replace(/--([a-z][a-z-]*)/g, (flag, name: string) => {
    const field = FIELD_NAMES.find((own) => kebab(own) === name);
    const label = field === undefined ? undefined : RECIPE_FIELDS[field].label;
    return label === undefined ? flag : `“${label}”`;
  });
}

/** A text whose flags stay in one line, which browsers would break after a hyphen. */
export function Flagged({ text }: { text: string }) {
  const parts = text.split(/(--[a-z][a-z-]*(?: \d+)?)/);
  return (
    <>
      {parts.map((part, i) =>
        i % 2 === 0 ? (
          part
        ) : (
          <span class="flag" key={part}>
            {part}
          </span>
        ),
      )}
    </>
  );
}
