import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { UsageError } from "../../src/core/errors.ts";
import { readYaml } from "../../src/formats/yaml/placed-yaml.ts";
import { MAX_YAML_DEPTH, MAX_YAML_LENGTH } from "../../src/formats/yaml/tokens.ts";
import { rejection } from "../support/memory-folder.ts";

const dataOf = async (text: string): Promise<unknown> => (await readYaml(text, "f.yaml")).data;

async function mistakeIn(text: string): Promise<string> {
  const error = await rejection(readYaml(text, "f.yaml"));
  expect(error).toBeInstanceOf(UsageError);
  return error.message;
}

const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.double({ noNaN: true }));
const key = fc.oneof(fc.stringMatching(/^[\w ]{1,8}$/), fc.constantFrom("__proto__", "constructor", "<", "1", ""));

describe("readYaml", () => {
  it("gives the data of whatever the package yaml writes", async () => {
    const data = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        scalar,
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(key, tie("value")),
      ),
    })).value;
    await fc.assert(
      fc.asyncProperty(data, async (value) => {
        const text = stringify(value);
        expect(await dataOf(text)).toEqual(parse(text));
      }),
    );
  });

  it.each([
    "a: &x [1, 2]\nb: *x\nc: { d: *x }",
    "a: &x { k: 1 }\nb: { <<: *x, k: 2, l: 3 }\nc: { k: 2, <<: *x }",
    "a: &x { k: 1, l: 1 }\nb: &y { k: 2 }\nc: { <<: [*y, *x] }",
    "a: &x { k: 1 }\nb: &y { <<: *x, l: 2 }\nc: { <<: *y }",
    "a: { <<: { k: 1 } }",
    "a: &x { k: 1 }\nb: &y { k: 2 }\nc:\n  <<: *x\n  <<: *y",
    "a: &x 1\nb: &x 2\nc: *x",
    "&x a: 1",
    "a: &x\nb: *x",
    'a: { "<<": 1 }',
    "? a\n: 1",
    "2: a\nnull: b\ntrue: c",
    "[a: 1, b: 2]",
    "%YAML 1.2\n---\na: !!str 1",
  ])("takes anchors, aliases and merge keys as the package does: %s", async (text) => {
    expect(await dataOf(text)).toEqual(parse(text, { merge: true }));
  });

  it("keeps __proto__ a key like others, also a merged one", async () => {
    const data = (await dataOf("a: &x { __proto__: { bad: 1 } }\nb: { <<: *x }")) as Record<string, object>;
    for (const map of [data.a!, data.b!]) {
      expect(Object.keys(map)).toEqual(["__proto__"]);
      expect(Object.getPrototypeOf(map)).toBe(Object.prototype);
    }
  });

  it("knows the places of values behind aliases", async () => {
    const yaml = await readYaml("a: &x\n  k: 1\nb: *x\n", "f.yaml");
    expect([yaml.place(["b", "k"]), yaml.mistakeOfKey(["b", "k"], "no.").message, yaml.place(["b"])]).toEqual([
      "f.yaml:2:6",
      "f.yaml:2:3: no.",
      "f.yaml:3:4",
    ]);
  });

  it.each([
    ["lists as keys", "? ".repeat(28), "1:3: a list or a map cannot be a key here"],
    ["a list as a key", "? [a]\n: 1", "1:3: a list or a map cannot be a key here"],
    ["a map as a key in a flow map", "a: {{b}: 1}", "1:5: a list or a map cannot be a key here"],
    ["a map as a key in a flow list", "a: [{b: 1}: 1]", "1:5: a list or a map cannot be a key here"],
    ["keys of keys", "a:\n  - ? ? x\n", "2:7: a list or a map cannot be a key here"],
    ["an alias as a key", "a: &x [1]\n*x : 1", "2:1: an alias cannot be a key here; write the key out"],
    ["a list that holds itself", "adapters: &x [*x, *x]", "1:15: *x is inside its own anchor"],
    ["a map that holds itself", "a: &x\n  b:\n    - *x", "3:7: *x is inside its own anchor"],
    ["a map that is merged into itself", "a: &x\n  <<: *x", "2:7: *x is inside its own anchor"],
    ["an alias before its anchor", "a: *x\nb: &x 1", "1:4: there is no anchor &x before this alias"],
    [
      "a merge of what is no map",
      "a: &x [b]\nc: { <<: *x }",
      "2:10: << takes a map, an alias of one, or a list of those",
    ],
    ["a merge of nothing", "a:\n  <<:", "2:6: << takes a map"],
    ["a key that stands twice", 'a:\n  b: 1\n  "b": 2', '3:3: the key "b" occurs twice in one map; remove one.'],
    ["another YAML", "%YAML 1.1\n---\na: yes", "1:1: only YAML 1.2 is read; remove this line."],
    ["two documents", "a: 1\n---\n", "2:1: only one document is allowed; remove what follows ---."],
    ["a stray bracket", "a: 1\n]", "2:1: "],
    ["a tag that makes bytes", "a: !!binary AAAA", "1:4: Unresolved tag: tag:yaml.org,2002:binary"],
    ["a tag that makes pairs", "a: !!omap [b: 1]", "1:4: Unresolved tag: tag:yaml.org,2002:omap"],
  ])("refuses %s at its place", async (_, text, said) => {
    expect(await mistakeIn(text)).toContain(`f.yaml:${said}`);
  });

  it("refuses aliases of aliases that would be long when written out, at the alias that goes too far", async () => {
    const lines = Array.from({ length: 9 }, (_, i) => `x${i + 1}: &x${i + 1} [${Array(9).fill(`*x${i}`).join(", ")}]`);
    // 9 ** 5 lists hold a word each in line 6, 9 ** 6 in line 7.
    expect(await mistakeIn(["x0: &x0 [a]", ...lines].join("\n"))).toMatch(
      /^f\.yaml:7:\d+: with its aliases written out, the YAML is longer than \d+ characters up to here; use fewer aliases\.$/,
    );
  });

  it("counts the text of what aliases stand for", async () => {
    const text = (times: number): string => `a: &x "${"b".repeat(1000)}"\nc: [${Array(times).fill("*x").join(",")}]`;
    expect(await dataOf(text(200))).toMatchObject({ c: { length: 200 } });
    expect(await mistakeIn(text(300))).toContain("with its aliases written out");
  });

  it("reads what is as deep and as long as allowed, and nothing deeper or longer", async () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    expect(JSON.stringify(await dataOf(nested(MAX_YAML_DEPTH)))).toBe(nested(MAX_YAML_DEPTH));
    expect(await mistakeIn(nested(MAX_YAML_DEPTH + 2))).toMatch(
      /^f\.yaml:1:\d+: lists and maps are nested deeper than 64 here/,
    );
    expect(await mistakeIn("- ".repeat(1000))).toContain("nested deeper than 64 here");
    const chain = Array.from({ length: 80 }, (_, i) => `x${i + 1}: &x${i + 1} [*x${i}]`);
    expect(await mistakeIn(["x0: &x0 [a]", ...chain].join("\n"))).toContain("nested deeper than 64 by this alias");
    expect(await dataOf("a".repeat(MAX_YAML_LENGTH))).toHaveLength(MAX_YAML_LENGTH);
    expect(await mistakeIn("a".repeat(MAX_YAML_LENGTH + 1))).toContain(
      "f.yaml:1:1: the YAML is longer than 262144 characters",
    );
  });

  it("quotes no more of the file than a sentence holds, and keeps what is to be done", async () => {
    const said = await mistakeIn(`a: *${"x".repeat(5000)}`);
    expect(said).toMatch(/^f\.yaml:1:4: there is no anchor &x+ \.\.\. x+ before this alias; define it above\.$/);
    expect(said.length).toBeLessThan(600);
  });
});
