import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { pageWords } from "../../web/state/page-words.ts";

it.each([
  ["pass its config.json as --base-config, such as --base-config BASE/config.json.", "open its config.json here."],
  ["pass that to the merge as --base-config BASE/config.json, or convert both.", "open that here, or convert both."],
  ["pass the adapters, and this one with --base where a command takes it.", "give the adapters."],
  ["choose another, or pass --allow-partial if these are.", "choose another, or choose --allow-partial if these are."],
  ["one of them is passed twice.", "one of them is given twice."],
  ["Pass a LoRA adapter.", "Give a LoRA adapter."],
  ["Nothing is bypassed.", "Nothing is bypassed."],
])("says %j in words of the page", (text, said) => {
  expect(pageWords(text)).toBe(said);
});

/** The rooms whose sentences reach the page. */
const ROOMS =
  "adapter analysis browser convert core families figures formats lanes merge methods plan recipe remote report units".split(
    " ",
  );

/** The texts in a file's code, without comments. */
function textsOf(file: string): string[] {
  const code = readFileSync(file, "utf8").replace(/^\s*(?:\/\/|\/?\*).*$/gm, "");
  return [...code.matchAll(/"([^"\n]*)"|`([^`]*)`/g)].map(([, plain, template]) =>
    (plain ?? template!).replace(/\$\{[^}]*\}/g, ""),
  );
}

it("makes no noun a verb in any sentence that reaches the page, and has no base model's config named by a flag", () => {
  const texts = ROOMS.flatMap((room) =>
    readdirSync(join("src", room), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .flatMap((file) => textsOf(join("src", room, file))),
  );
  // Else the pattern above finds no texts any more.
  expect(texts.filter((text) => /\bpass\b/.test(text)).length).toBeGreaterThan(50);
  const said = texts.map(pageWords);
  // "A second pass over the rows" would be one.
  expect(
    said.filter((text) => /\b(?:an?|the|each|every|one|per|first|second|third|last) gives?\b/i.test(text)),
  ).toEqual([]);
  expect(said.filter((text) => /give [^,;]* as --base-config/.test(text))).toEqual([]);
  // The page has a field for it.
  expect(texts.some((text) => text.includes("HF_TOKEN"))).toBe(true);
  expect(said.filter((text) => text.includes("HF_TOKEN"))).toEqual([]);
});
