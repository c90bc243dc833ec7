import { kebab } from "../../src/core/kebab.ts";
import { AUTO } from "../../src/methods/auto.ts";
import { METHODS } from "../../src/methods/registry.ts";
import { FIELD_NAMES, RECIPE_FIELDS } from "../../src/recipe/recipe-fields.ts";
import { pageWords } from "../state/page-words.ts";

/** A whole command in a sentence, up to the next mark; the merge of a bare `lora-lego merge --flags` is one that the form makes. */
const COMMAND = /(lora-lego (?!merge --)[a-z]+.*?(?=[;,)]|\.?$|\. ))/;
/** The options of methods, whose fields have their names. */
const OPTIONS = new Set(METHODS.flatMap(({ parameters }) => Object.keys(parameters)));
/** What the field of the method takes; it may as well be spoken of: "take a --method that compares no pairs". */
const MERGED_BY = new Set([AUTO, ...METHODS.map(({ id }) => id)]);

/** A part of a sentence without commands, with the labels of the form's fields where it has their flags. */
function labelled(text: string): string {
  return pageWords(text)
    .replace(/lora-lego merge (?=--)/g, "a merge ")
    .replace(/--([a-z][a-z-]*)( \w+)?/g, (whole, name, value = "") => {
      if (OPTIONS.has(name)) return `“${name}”${value}`;
      const field = FIELD_NAMES.find((own) => kebab(own) === name);
      const { label, choices = {} } = field === undefined ? {} : (RECIPE_FIELDS[field] as Labelled);
      if (label === undefined) return whole;
      const chosen = value.trim();
      if (field === "method" && MERGED_BY.has(chosen)) return `the method “${chosen}”`;
      // Programs stand in their menu by their titles.
      return `“${label}”${field === "for" && chosen !== "" ? ` ${choices[chosen] ?? chosen}` : value}`;
    });
}

interface Labelled {
  readonly label?: string;
  readonly choices?: Readonly<Record<string, string>>;
}

/** A sentence of the command line for readers of the page: fields by their labels, whole commands as they are typed, and no line broken in a flag. */
export function Said({ text }: { text: string }) {
  const said = text.split(COMMAND).map((part, i) => (i % 2 === 0 ? labelled(part) : part));
  const parts = said.join("").split(/(--[a-z][a-z-]*(?: \d+)?)/);
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
