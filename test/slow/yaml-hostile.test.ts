import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/core/errors.ts";
import { MAX_YAML_LENGTH } from "../../src/formats/yaml/tokens.ts";
import { parseRecipe } from "../../src/recipe/recipe-file.ts";

/** The slowest takes some 3 s on one core of a machine that is busy; without bounds most would take minutes, or never end. */
const MOST_MS = 30_000;

/** What YAML is made of, repeated and mixed. */
const PIECES = [
  ..."?-:,[]{}#&*!|>'\"%@` \n\t~a1",
  ..."? |- |: |\n|  |\n  |- - |? ? |*a|&a |!!str |<<: |a: |a:\n|a\n : |- |\n|\r\n|]\n[|[]\n|{}\n|,a|'a'|\"a\"|\\q|0x|1e9".split(
    "|",
  ),
  ..."---\n|...\n|%YAML 1.2\n|%TAG ! a\n|#\n  # a\n|>9\n a\n|&a [|*a, |<<: *a\n|{a: |[a, |\u{1F600}|\0|\uFEFF".split(
    "|",
  ),
].filter((piece) => piece !== "");

/** Fill a recipe up to the longest that is read. */
function filled(piece: string, begin = "", end = ""): string {
  return begin + piece.repeat(Math.floor((MAX_YAML_LENGTH - begin.length - end.length) / piece.length)) + end;
}

function numbered(line: (number: number) => string, begin = ""): string {
  let text = begin;
  for (let number = 0; text.length < MAX_YAML_LENGTH - 80; number++) text += line(number);
  return text;
}

/** What a parser, a composer or a schema may do once too often. */
const BOMBS: readonly [name: string, text: string][] = [
  ["keys of keys", "? ".repeat(28)],
  ["a list that holds itself", "adapters: &x [*x, *x]"],
  ["aliases of each anchor", numbered((i) => `- &a${i} a\n- *a${i}\n`)],
  ["lists that double", numbered((i) => `x${i + 1}: &x${i + 1} [*x${i}, *x${i}]\n`, "x0: &x0 [a]\n")],
  ["a long text, often", filled("*a,", `a: &a "${"b".repeat(1 << 16)}"\nadapters: [`, "]")],
  ["merges of merges", numbered((i) => `k${i + 1}: &k${i + 1} {<<: *k${i}, a${i}: 1}\n`, "k0: &k0 {}\n")],
  ["one map merged often", filled("<<: *a\n", "a: &a {b: 1}\n")],
  [
    "a wide map merged often",
    filled("- <<: *a\n", numbered((i) => `  k${i}: 1\n`, "- &a\n").slice(0, MAX_YAML_LENGTH / 2)),
  ],
  ["keys, each once", numbered((i) => `k${i}: 1\n`)],
  ["adapters that are none", filled("[],", "adapters: [", "]")],
  ["adapters of the wrong kind", filled("{x: 1},", "adapters: [", "]")],
  ["many adapters", filled("a,", "adapters: [", "]")],
  ["many steps", filled("- {name: a, adapters: [{step: a}]}\n", "steps:\n")],
  ["steps that follow each other", numbered((i) => `- {name: a${i + 1}, adapters: [{step: a${i}}]}\n`, "steps:\n")],
  ["many module weights", filled("- {match: q, weights: [1]}\n", "adapters: [a]\nmoduleWeights:\n")],
  ["indentation", numbered((i) => `${" ".repeat(i % 1000)}#\n`, "a:\n")],
  ["ever deeper maps", numbered((i) => `${" ".repeat(i)}a:\n`)],
  ["a long key", `${"a".repeat(MAX_YAML_LENGTH - 3)}: b`],
  ["a long key that nobody knows", `? ${"a".repeat(MAX_YAML_LENGTH - 5)}\n: b`],
  ["a long option", `adapters: [a]\noptions:\n  ? ${"a".repeat(MAX_YAML_LENGTH - 40)}\n  : b`],
  ["a long name of a step", `steps:\n- name: "${"a".repeat(1 << 17)}"\n  adapters: [{step: "${"b".repeat(1 << 16)}"}]`],
  ["a long number", `rank: ${"9".repeat(MAX_YAML_LENGTH - 6)}`],
  ["a long pattern", filled("a.", 'adapters: [a]\ninclude: ["', '"]')],
  ["a pattern of stars", filled("*.", 'adapters: [a]\ninclude: ["', '"]')],
];

/** Read a recipe; whatever is wrong with it must be one sentence at its place. */
async function survives(text: string): Promise<void> {
  const began = performance.now();
  try {
    await parseRecipe(text, "r.yaml");
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(/^r\.yaml:\d+:\d+: /);
    expect((error as Error).message.length).toBeLessThan(1000);
  }
  expect(performance.now() - began).toBeLessThan(MOST_MS);
}

describe("hostile YAML", () => {
  it.each(BOMBS)("ends in bounded time: %s", (_, text) => survives(text), 120_000);

  it.each(PIECES.map((piece) => [JSON.stringify(piece), piece]))(
    "ends in bounded time: %s, over and over",
    (_, piece) => survives(filled(piece!)),
    120_000,
  );

  it("ends in bounded time: pieces mixed, over and over", async () => {
    const mixed = fc.array(fc.constantFrom(...PIECES), { minLength: 2, maxLength: 5 }).map((pieces) => pieces.join(""));
    await fc.assert(
      fc.asyncProperty(mixed, async (piece) => survives(filled(piece))),
      { numRuns: 60, seed: 16 },
    );
  }, 1_200_000);

  it("is read or refused, in words: short soups of pieces", async () => {
    const soup = fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }).map((pieces) => pieces.join(""));
    await fc.assert(
      fc.asyncProperty(soup, async (text) => survives(text)),
      { numRuns: 20_000, seed: 16 },
    );
  }, 600_000);
});
