import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { breaksIn, brokenAt } from "../../src/cli/line-breaks.ts";

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
