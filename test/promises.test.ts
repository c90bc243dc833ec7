import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EXPLORER } from "./promises/explorer.ts";
import { HUB } from "./promises/hub.ts";
import { PROMISED } from "./promises/promised.ts";
import { EXPLAINS, MEASURED } from "./promises/promises.ts";
import { sentencesOf } from "./promises/sentences.ts";

const root = new URL("../", import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, root), "utf8");

/** Names of the tests of a file, as they stand there; those that are skipped or yet to be written are none. */
function testsIn(source: string): Set<string> {
  const begun =
    /(?:\b(?:it|test)|\b(?:it|test)\.concurrent|\)|\])\(\s*(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`)\s*,/g;
  return new Set(Array.from(source.matchAll(begun), ([, double, single, template]) => double ?? single ?? template!));
}

/** What is wrong with the grounds of a sentence; null where nothing is. */
function missing(ground: string): string | null {
  if (ground === EXPLAINS) return null;
  if (ground.startsWith(MEASURED)) {
    const script = ground.slice(MEASURED.length);
    return existsSync(new URL(script, root)) ? null : `there is no ${script}`;
  }
  const [file, ...name] = ground.split(" > ");
  const path = [".test.ts", ".test.tsx"]
    .map((end) => `test/${file}${end}`)
    .find((each) => existsSync(new URL(each, root)));
  if (path === undefined) return `there is no test/${file}.test.ts`;
  return testsIn(textOf(path)).has(name.join(" > ")) ? null : `${path} has no test "${name.join(" > ")}"`;
}

describe.each([PROMISED, HUB, EXPLORER])("$document", ({ document, heading, sentences }) => {
  it("has no sentence without its grounds in test/promises, and none is there that it has not", () => {
    expect(sentences.map(([sentence]) => sentence)).toEqual(sentencesOf(textOf(document), heading));
  });

  it("keeps what it promises by tests that exist", () => {
    const gone = sentences.flatMap(([sentence, ...grounds]) =>
      grounds.flatMap((ground) => {
        const why = missing(ground);
        return why === null ? [] : [`${why}, which is to hold: ${sentence}`];
      }),
    );
    expect(gone).toEqual([]);
  });

  it("explains or measures less than it promises by tests", () => {
    const tested = sentences.filter(([, ...grounds]) => grounds.some((ground) => ground.includes(" > ")));
    expect(tested.length).toBeGreaterThan(sentences.length / 2);
  });
});

describe("the grounds of a promise", () => {
  it.each([
    ["nowhere > is refused", "there is no test/nowhere.test.ts"],
    ["promises > is a test that nobody wrote", 'test/promises.test.ts has no test "is a test that nobody wrote"'],
    ["measured by nowhere.mjs", "there is no nowhere.mjs"],
    ["promises > are told where they are gone: %s", null],
    ["measured by package.json", null],
  ])("are told where they are gone: %s", (ground, why) => {
    expect(missing(ground)).toBe(why);
  });

  it("are no tests that are skipped or still to be written, and no other text", () => {
    const source =
      'it.skip("a", f); it.todo("b"); it("c", f); it.each([1])("d %i", f); const x = "e"; test.concurrent("f", f); say("g");';
    expect([...testsIn(source)].sort()).toEqual(["c", "d %i", "f"]);
  });
});
