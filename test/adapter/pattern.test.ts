import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { patternLookup } from "../../src/adapter/pattern.ts";
import { RefusedError } from "../../src/core/errors.ts";

/** Whether a pattern matches a module's name, by FORMATS.md's rule. */
const matches = (pattern: string, name: string): boolean => patternLookup([[pattern, 1]], 0, "x")(name) === 1;

/** A name that counts how often one of its characters is looked at. */
class CountedText {
  readonly length: number;
  looks = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    this.length = text.length;
  }

  charAt(at: number): string {
    this.looks++;
    return this.#text.charAt(at);
  }

  indexOf(wanted: string, from: number): number {
    return this.#text.indexOf(wanted, from);
  }
}

describe("patternLookup", () => {
  it("gives the value of the first pattern that matches, in the order given", () => {
    const patterns = [
      ["layers.1.q", 1],
      ["q", 2],
      [".*", 3],
    ] as const;
    const lookup = patternLookup(patterns, 9, "x");
    expect(["layers.1.q", "model.layers.1.q", "layers.2.q", "layers.1.k"].map(lookup)).toEqual([1, 1, 2, 3]);
    expect(patternLookup(patterns.toReversed(), 9, "x")("layers.1.q")).toBe(3);
  });

  it("gives `absent` where none matches, and where there are none", () => {
    expect(patternLookup([["k", 1]], 9, "x")("layers.1.q")).toBe(9);
    expect(patternLookup([], 9, "x")("layers.1.q")).toBe(9);
  });

  it.each([
    // [pattern, names that it matches, names that it does not], as Python's re.match(rf"(.*\.)?({pattern})$", name) says.
    ["q_proj", ["q_proj", "layers.0.q_proj"], ["xq_proj", "q_proj.0", "layers.0.q_projs"]],
    ["0.q", ["0.q", "layers.0.q", "0xq"], ["10.q", "layers.10.q"]],
    ["layers\\.1\\.q", ["layers.1.q", "m.layers.1.q"], ["layers.11.q", "layersx1xq"]],
    ["layers\\.\\d+\\.q", ["layers.1.q", "layers.12.q"], ["layers.x.q", "layers..q", "layers.1.2.q"]],
    [".*\\.(q|v)_proj", ["a.q_proj", "a.b.v_proj"], ["q_proj", "a.k_proj"]],
    ["(layers|blocks)\\.[0-3]\\..*", ["layers.0.a", "m.blocks.3.a.b"], ["layers.4.a", "layers.0"]],
    ["^layers.0.q", ["layers.0.q"], ["m.layers.0.q"]],
    ["..q", ["abq", "m.abq", "x.q.q"], ["q", "aq"]],
    ["q^", [], ["q", "q^"]],
    ["^^q", ["q"], ["a.q"]],
    ["layers.0.q$", ["layers.0.q", "m.layers.0.q"], ["layers.0.qx"]],
    ["q|k", ["q", "a.k"], ["a.qk", "aq"]],
    ["(?:q|k)_proj", ["q_proj", "a.k_proj"], ["qk_proj", "v_proj"]],
    ["a{2,}", ["aa", "aaaa"], ["a"]],
    ["a{2,3}", ["aa", "aaa"], ["a", "aaaa", "x.aaab"]],
    ["a{0}b", ["b", "x.b"], ["ab"]],
    ["a+?b*?", ["a", "aab", "x.ab"], ["b"]],
    ["[^a-c]x", ["dx", "a.-x"], ["ax", "x"]],
    ["[\\w.]+", ["a.b", "x"], ["a-b"]],
    ["a\\-b", ["a-b", "x.a-b"], ["ab"]],
    ["(a|ab)(c|bcd)", ["abcd", "x.ac"], ["abc.d", "abd"]],
    ["", ["", "a."], ["a"]],
  ])("matches %s with the end of a name, from its start or from a dot on", (pattern, yes, no) => {
    expect(yes.filter((name) => !matches(pattern, name))).toEqual([]);
    expect(no.filter((name) => matches(pattern, name))).toEqual([]);
  });

  it("agrees with RegExp on patterns of characters, classes, groups, alternatives and repetitions", () => {
    const count = fc.constantFrom("", "*", "+", "?", "*?", "+?", "{2}", "{1,}", "{0,2}", "{1,3}?");
    const patternOf = (atom: fc.Arbitrary<string>): fc.Arbitrary<string> =>
      fc
        .array(fc.array(atom, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 2 })
        .map((branches) => branches.map((parts) => parts.join("")).join("|"));
    const character = fc.constantFrom("a", "b", ".", "\\.", "[ab]", "[^a]", "\\w");
    const single = fc.tuple(character, count).map((parts) => parts.join(""));
    const group = (inner: fc.Arbitrary<string>): fc.Arbitrary<string> =>
      fc.oneof(
        single,
        inner.map((text) => `(${text})`),
        inner.map((text) => `(?:${text})`),
      );
    const pattern = patternOf(group(patternOf(group(patternOf(single)))));
    const name = fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 7 });
    fc.assert(
      fc.property(pattern, name, (source, text) => {
        fc.pre((source.match(/[*+{]|\?(?!:)/g) ?? []).length <= 8);
        expect(matches(source, text)).toBe(new RegExp(`^(.*\\.)?(${source})$`).test(text));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)!",
    "a{999999999999}",
    `${".?".repeat(8)}a`,
    `.{400}.{300}${".*".repeat(6)}!`,
  ])("answers %s after looking at each place once a repetition, where backtracking takes ages", (pattern) => {
    const name = new CountedText(`${"a".repeat(150)}-`);
    expect(matches(pattern, name as unknown as string)).toBe(false);
    const repetitions = (pattern.match(/[*?{]/g) ?? []).length;
    expect(name.looks).toBeLessThanOrEqual((repetitions + 1) * (name.length + 1));
  });

  it.each([
    ["(a+)+", "it repeats a group"],
    ["(?:a|a)*", "it repeats a group"],
    ["((((a?){90}){90}){90}){90}", "it repeats a group"],
    [".*".repeat(9), "it has more than 8 repetitions"],
  ])("refuses %s, whose time could grow without bound", (pattern, reason) => {
    expect(() => patternLookup([[pattern, 1]], 0, "x")).toThrow(reason);
  });

  it("refuses more regular expressions than any real config has, and takes any number of plain names", () => {
    const expressions = Array.from({ length: 1001 }, (_, i) => [`layers.${i}.(q|k)`, i] as const);
    expect(() => patternLookup(expressions, 0, "x")).toThrow("more than 1000 regular expressions");
    const names = Array.from({ length: 2000 }, (_, i) => `layers.${i}.q`);
    const lookup = patternLookup(
      names.map((name, i) => [name, i]),
      -1,
      "x",
    );
    expect(names.map((name) => lookup(`model.${name}`))).toEqual(names.map((_, i) => i));
  });

  it.each([
    "(",
    ")",
    "a)b",
    "*a",
    "a**",
    "a*+",
    "a{,3}",
    "a{3,2}",
    "a{x}",
    "[",
    "[]a]",
    "[z-a]",
    "[[:alpha:]]",
    "(?i)q",
    "(?=q)q",
    "(?P<x>q)",
    "(?<x>q)",
    "(q)\\1",
    "\\bq",
    "q\\Z",
    "\\Aq",
    "q\\",
    `${"(".repeat(11)}q${")".repeat(11)}`,
  ])("refuses %s, which Python and JavaScript read differently or not at all, and names the pattern", (pattern) => {
    const read = (): unknown => patternLookup([[pattern, 1]], 0, "adapter: rank_pattern");
    expect(read).toThrow(RefusedError);
    expect(read).toThrow("adapter: rank_pattern: the pattern");
    expect(read).toThrow("name the modules in plain words");
  });

  it("takes groups ten deep, and 1000 regular expressions", () => {
    expect(matches(`${"(".repeat(10)}q${")".repeat(10)}`, "x.q")).toBe(true);
    const expressions = Array.from({ length: 1000 }, (_, i) => [`layers.${i}.(q|k)`, i] as const);
    expect(patternLookup(expressions, -1, "x")("layers.999.k")).toBe(999);
  });

  it.each([
    ["a**", "it repeats a repetition, or a range without a lower bound"],
    ["a{,3}", "it repeats a repetition, or a range without a lower bound"],
    ["q\\Z", '"\\\\Z" is not understood'],
    [`${"q".repeat(99)}[`, '"[" is not understood'],
  ])("says of %s what is wrong, and shows at most 80 characters of it", (pattern, reason) => {
    expect(() => patternLookup([[pattern, 1]], 0, "x")).toThrow(
      new RefusedError(
        `x: the pattern ${JSON.stringify(pattern.slice(0, 80))} cannot be read (${reason}); name the modules in plain words.`,
      ),
    );
  });

  it("refuses a pattern of more than 1000 characters", () => {
    expect(patternLookup([["q".repeat(1000), 1]], 0, "x")("q".repeat(1000))).toBe(1);
    expect(() => patternLookup([["q".repeat(1001), 1]], 0, "x")).toThrow("it is too long");
  });
});
