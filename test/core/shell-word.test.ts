import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { printable } from "../../src/core/printable.ts";
import { shellPath, shellWord } from "../../src/core/shell-word.ts";

describe("a word of a command line", () => {
  it.each(["plain/name-1", "my math", "it's", "a\nb", "tab\tand 'quote' \\ \n", "bell\u0007", "-x\n", "$HOME `id`"])(
    "is what a shell reads it as, on one line: %j",
    (text) => {
      const word = shellWord(text);
      expect(word).toBe(printable(word));
      expect(execFileSync("bash", ["-c", `printf %s ${word}`], { encoding: "utf8" })).toBe(text);
    },
  );

  it("is no flag where it is a path", () => {
    expect([shellPath("-x"), shellPath("- y")]).toEqual(["./-x", "'./- y'"]);
  });
});
