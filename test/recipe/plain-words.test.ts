import { describe, expect, it } from "vitest";
import { parseBench } from "../../src/evaluate/bench-file.ts";
import { RECIPE_FIELDS } from "../../src/recipe/recipe-fields.ts";
import { parseRecipe } from "../../src/recipe/recipe-file.ts";

/** Values of every kind, one of which any field refuses. */
const VALUES = [
  "null",
  "true",
  "-1",
  "1.5",
  ".nan",
  ".inf",
  '""',
  "word",
  "[]",
  "[1]",
  "[{}]",
  "[null]",
  "{}",
  "{ a: 1 }",
];
/** How zod speaks by itself. */
const JARGON = /Invalid|expected \w+,|received|Too (?:small|big)|Unrecognized|nonoptional|undefined/i;

async function messageOf(parse: (text: string, file: string) => Promise<unknown>, text: string): Promise<string> {
  return parse(text, "file.yaml").then(
    () => "",
    (error: Error) => error.message,
  );
}

async function messages(parse: (text: string, file: string) => Promise<unknown>, text: (value: string) => string) {
  const found = await Promise.all(VALUES.map((value) => messageOf(parse, text(value))));
  return found.filter((message) => message !== "");
}

describe("a mistake in a file", () => {
  const keys = [...Object.keys(RECIPE_FIELDS), "adapters", "steps", "out", "to", "report", "options", "other"];

  it.each(keys)("of a recipe is told in plain words: %s", async (key) => {
    const others = key === "adapters" ? "" : "adapters: [a, b]\n";
    const found = await messages(parseRecipe, (value) => `${others}${key}: ${value}\n`);
    expect(found.length).toBeGreaterThan(4);
    expect(found.filter((message) => JARGON.test(message))).toEqual([]);
  });

  it.each([
    ["a path and a weight", (value: string) => `adapters: [{ path: ${value} }, { path: a, weight: ${value} }]\n`],
    ["module weights", (value: string) => `adapters: [a]\nmoduleWeights: [{ match: ${value}, weights: ${value} }]\n`],
    ["an energy rule", (value: string) => `adapters: [a]\nenergy: { rule: sv_fro, threshold: ${value} }\n`],
    ["an option", (value: string) => `adapters: [a]\nmethod: lego\noptions: { effort: ${value}, gauge: ${value} }\n`],
    ["a step", (value: string) => `steps: [{ name: ${value}, adapters: ${value} }]\n`],
  ])("of a recipe is told in plain words: %s", async (_, text) => {
    const found = await messages(parseRecipe, text);
    expect(found.length).toBeGreaterThan(4);
    expect(found.filter((message) => JARGON.test(message))).toEqual([]);
  });

  it.each(["base", "tasks", "adapters", "joint", "unseen", "merges", "ranks", "scales", "other"])(
    "of a benchmark is told in plain words: %s",
    async (key) => {
      const whole = { base: "b", tasks: "{ test: [t] }", adapters: "[a, b]", merges: "[{ method: lego }]" };
      const found = await messages(parseBench, (value) =>
        Object.entries({ ...whole, [key]: value })
          .map(([name, text]) => `${name}: ${text}\n`)
          .join(""),
      );
      expect(found.length).toBeGreaterThan(4);
      expect(found.filter((message) => JARGON.test(message))).toEqual([]);
    },
  );
});
