import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { UsageError } from "../../src/core/errors.ts";
import { modulePattern } from "../../src/recipe/module-pattern.ts";

const NAMES = [
  "q_proj",
  "model.layers.0.self_attn.q_proj",
  "model.layers.1.self_attn.q_proj",
  "model.layers.10.self_attn.v_proj",
  "model.layers.1.mlp.up_proj",
  "lm_head.my_q_proj",
];
const matched = (pattern: string): string[] => NAMES.filter(modulePattern(pattern));

describe("a module pattern", () => {
  it("matches the end of a path from a dot on, as PEFT's target_modules do", () => {
    expect(matched("q_proj")).toEqual(NAMES.slice(0, 3));
    expect(matched("self_attn.q_proj")).toEqual(NAMES.slice(1, 3));
    expect(matched("model.layers.1.self_attn.q_proj")).toEqual([NAMES[2]]);
    expect(matched("self_attn")).toEqual([]);
  });

  it("has * for characters of one segment", () => {
    expect(matched("*_proj")).toEqual(NAMES);
    expect(matched("layers.*.self_attn.q_proj")).toEqual(NAMES.slice(1, 3));
    expect(matched("1*.*.*_proj")).toEqual(NAMES.slice(2, 5));
    expect(matched("layers.*.q_proj")).toEqual([]);
  });

  it("has ** for any number of segments, none among them", () => {
    expect(matched("**")).toEqual(NAMES);
    expect(matched("layers.1.**")).toEqual([NAMES[2], NAMES[4]]);
    expect(matched("model.**.q_proj")).toEqual(NAMES.slice(1, 3));
    expect(matched("**.q_proj.**")).toEqual(NAMES.slice(0, 3));
    expect(matched("layers.**.1.**.up_proj")).toEqual([NAMES[4]]);
  });

  it("has 0-9 for a segment that is a number in this range, also after letters", () => {
    expect(matched("layers.0-1.**")).toEqual([NAMES[1], NAMES[2], NAMES[4]]);
    expect(matched("layers.2-10.**")).toEqual([NAMES[3]]);
    expect(matched("layers.10-2.**")).toEqual([]);
    const blocks = ["a.IN03", "a.IN04", "a.IN08", "a.IN09", "a.04", "a.OUT05", "a.IN04x"];
    for (const pattern of ["IN04-08", "IN04-IN08", "IN4-8"]) {
      expect(blocks.filter(modulePattern(pattern))).toEqual(["a.IN04", "a.IN08"]);
    }
    expect(modulePattern("4-OUT5")("4")).toBe(false);
    // Names may have such segments themselves.
    expect(modulePattern("9-0")("a.9-0")).toBe(true);
  });

  it("takes all other characters as they are", () => {
    expect(modulePattern("a+b[0]")("x.a+b[0]")).toBe(true);
    expect(modulePattern("a+")("aa")).toBe(false);
    expect(modulePattern("q?")("q")).toBe(false);
  });

  it("is refused with an empty segment or ** beside other characters", () => {
    for (const pattern of ["", ".", "a..b", "a.", "a**.b", "***"]) {
      expect(() => modulePattern(pattern)).toThrow(UsageError);
      expect(() => modulePattern(pattern)).toThrow(`pattern ${JSON.stringify(pattern)} cannot be read`);
    }
  });

  it("matches every end of a path, also with segments of it exchanged for wildcards", () => {
    const segment = fc.stringMatching(/^[a-z0-9_]{1,3}$/);
    const path = fc.array(fc.tuple(segment, fc.constantFrom("plain", "*", "**")), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(path, fc.nat(5), (parts, from) => {
        const name = parts.map(([text]) => text).join(".");
        const end = parts.slice(from % parts.length).map(([text, as]) => (as === "plain" ? text : as));
        expect(modulePattern(end.join("."))(name)).toBe(true);
        expect(modulePattern(`zzzz.${end.join(".")}`)(name)).toBe(false);
      }),
    );
  });

  it("compares no segment with one of the path twice, whatever the wildcards", () => {
    const matches = modulePattern(`${"**.a.".repeat(40)}b`);
    const compared = vi.spyOn(RegExp.prototype, "test");
    const matched = matches(`${"a.".repeat(200)}c`);
    const { length: times } = compared.mock.calls;
    compared.mockRestore();
    expect(matched).toBe(false);
    expect(times).toBeGreaterThan(0);
    expect(times).toBeLessThanOrEqual(41 * 201);
  });
});
