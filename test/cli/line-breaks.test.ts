import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { breaksIn, brokenAt, wordsOf } from "../../src/cli/line-breaks.ts";
import { wrapped } from "../../src/cli/page.ts";

function broken(text: string, width: number): string[] {
  return brokenAt(text, breaksIn(text, width)).split("\n");
}

describe("a line for a terminal", () => {
  it("is broken between words, its lines after the first indented", () => {
    expect(broken("warning: one two three four", 16)).toEqual(["warning: one two", "    three four"]);
    expect(broken("  short", 16)).toEqual(["  short"]);
    expect(broken("", 16)).toEqual([""]);
  });

  it("keeps each letter after characters of two code units", () => {
    expect(broken("warning: \u{1f600}\u{1f600} one two three", 16)).toEqual([
      "warning: \u{1f600}\u{1f600}",
      "    one two",
      "    three",
    ]);
  });

  it("keeps a command within it whole, and breaks before and after it", () => {
    const command = "lora-lego convert 'my file.gguf' --to peft --base-config BASE/config.json --out x-peft";
    expect(broken(`error: l1 has other names; convert it first: ${command} (BASE is its folder).`, 30)).toEqual([
      "error: l1 has other names;",
      "    convert it first:",
      `    ${command}`,
      "    (BASE is its folder).",
    ]);
    expect(broken("write it with lora-lego merge a --for tgi --out a-2, and check the result of that.", 20)).toEqual([
      "write it with",
      "    lora-lego merge a --for tgi --out a-2,",
      "    and check the",
      "    result of that.",
    ]);
  });

  it.each([
    ["it is broken: lora-lego check OUT says why.", "lora-lego check OUT"],
    ["a command (lora-lego check x/y.z) in brackets", "(lora-lego check x/y.z)"],
    ["then lora-lego resize a --rank 4 --out a-2 writes less of it", "lora-lego resize a --rank 4 --out a-2"],
    ["(by its headers; lora-lego check --base says more of it)", "lora-lego check --base says"],
    ["see lora-lego audit ab --of a b 'c d', and more", "lora-lego audit ab --of a b 'c d',"],
    ["lora-lego merge 'a b' c -o 'it'\\''s d' does it all", "lora-lego merge 'a b' c -o 'it'\\''s d'"],
    ["lora-lego merge a b --weights 1,2 --dry-run", "lora-lego merge a b --weights 1,2 --dry-run"],
  ])("ends a command at the last word of it: %s", (text, command) => {
    expect(wordsOf(text)).toContain(command);
    expect(wordsOf(text).join(" ")).toBe(text);
  });

  it("is broken around commands in a paragraph too", () => {
    const why = `${"word ".repeat(10)}lora-lego check 'an adapter of some length' says why it is so.`;
    expect(wrapped(why, 2)).toEqual([
      `${"word ".repeat(10).trim()}`,
      "  lora-lego check 'an adapter of some length' says why it is so.",
    ]);
  });

  it("fits the width wherever its words do, and loses none", () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(words, fc.integer({ min: 20, max: 80 }), (list, width) => {
        const shown = broken(list.join(" "), width);
        expect(shown.every((line) => line.length <= width)).toBe(true);
        expect(shown.map((line) => line.trim()).join(" ")).toBe(list.join(" "));
      }),
    );
  });
});
