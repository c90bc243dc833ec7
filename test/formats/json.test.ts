import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/core/errors.ts";
import { parseStrictJson, showJson } from "../../src/formats/json.ts";

const parse = (text: string) => parseStrictJson(text, "some.json");

function refuses(text: string, ...parts: string[]): void {
  expect(() => parse(text)).toThrow(FormatError);
  for (const part of parts) expect(() => parse(text)).toThrow(part);
}

function holdsInfinity(value: unknown): boolean {
  if (typeof value === "number") return !Number.isFinite(value);
  return typeof value === "object" && value !== null && Object.values(value).some(holdsInfinity);
}

describe("parseStrictJson", () => {
  it("agrees with JSON.parse on every kind of value", () => {
    const text =
      ' {"a" : [1, -2.5e+3, 0, -0, 1E2, true,false,null], "": {}, "b":[],\r\n\t"c":"\\u00e9\\n\\/\\ud83d\\ude00 é"} ';
    expect(parse(text)).toEqual(JSON.parse(text));
    for (const text of ["0", "-0", '"x"', "null", "[[]]", "true"]) expect(parse(text)).toEqual(JSON.parse(text));
  });

  it("agrees with JSON.parse on random values, compact and indented", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), fc.nat(4), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(parse(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("agrees with JSON.parse on which random texts are no JSON", () => {
    const pieces = fc.constantFrom(
      ...'{}[]:,"\\ \n\t01-+.eEunft',
      '"a"',
      '"b"',
      "12",
      "null",
      "\\u00e9",
      "\u0000",
      "\ufeff",
    );
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 6 }).map((list) => list.join("")),
        (text) => {
          let value: unknown;
          try {
            value = JSON.parse(text);
          } catch {
            refuses(text);
            return;
          }
          // The only two things that 6 pieces can say and that JSON.parse lets through.
          if (/"a":.*"a":|"b":.*"b":/s.test(text)) return;
          if (holdsInfinity(value)) return refuses(text, "too large for a double");
          expect(parse(text)).toEqual(value);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it("refuses a key that occurs twice in one object, also when it is escaped differently", () => {
    refuses('{"r": 8, "r": 16}', 'the key "r" occurs twice', "line 1, column 10", "keep only one");
    refuses('{"a": {"\\u0072": 8, "r": 8}}', 'the key "r" occurs twice');
    refuses('{"__proto__": 1, "__proto__": 1}', '"__proto__" occurs twice');
    expect(parse('{"a": {"r": 1}, "b": {"r": 2}, "r": 3}')).toEqual({ a: { r: 1 }, b: { r: 2 }, r: 3 });
  });

  it("keeps __proto__ and constructor as ordinary keys and changes no prototype", () => {
    const value = parse('{"__proto__": {"polluted": true}, "constructor": 1, "toString": 2}') as Record<
      string,
      unknown
    >;
    expect(Object.keys(value)).toEqual(["__proto__", "constructor", "toString"]);
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect((parse("{}") as Record<string, unknown>).toString).toBeUndefined();
  });

  it("names the text, the line, the column, what it found and what it expected", () => {
    refuses('{\n  "r": 8,\n  "alpha" 16\n}', 'some.json, line 3, column 11: expected ":", but found "1"');
    refuses('{"a": 1', 'line 1, column 8: expected "," or "}", but the text ends');
    refuses('{"a": 1,}', 'expected a key in double quotes, but found "}"');
    refuses("[1, 2,]", 'column 7: expected a value, but found "]"');
    refuses("{} x", 'expected the end of the text, but found "x"');
    refuses("", "expected a value, but the text ends");
    refuses("\ufeff{}", "expected a value");
    refuses('"a\nb"', "control characters must be escaped");
    refuses('["\\x"]', "column 2", "escape that JSON does not have");
    refuses('{"a": NaN}', "expected a value");
    refuses("nul", "expected null");
  });

  it("refuses numbers that JSON does not have or a double cannot hold", () => {
    for (const text of ["01", "+1", ".5", "1.", "1e", "-", "0x10", "Infinity"]) refuses(text);
    refuses("[1e999]", "too large for a double");
    refuses(`[-1${"0".repeat(400)}]`, "too large for a double");
  });

  it("refuses half of a surrogate pair", () => {
    refuses('"\\ud800"', "half of a surrogate pair");
    refuses('{"\\udc00x": 1}', "half of a surrogate pair");
  });

  it("refuses nesting deeper than 64, however deep, without overflowing the stack", () => {
    expect(parse("[".repeat(64) + "]".repeat(64))).toBeDefined();
    refuses("[".repeat(66) + "]".repeat(66), "nested deeper than 64");
    refuses("[".repeat(1_000_000), "nested deeper than 64");
    refuses('{"a":'.repeat(1_000_000), "nested deeper than 64");
  });

  it("reads strings of many megabytes", () => {
    const long = "x".repeat(2_000_000);
    expect(parse(`"${long}"`)).toBe(long);
    refuses(`"${long}`, "closing quote");
    refuses("9".repeat(2_000_000), "too large for a double");
  });
});

describe("showJson", () => {
  it("writes scalars and flat arrays, names the rest, and stays short", () => {
    expect([null, true, 1.5, "a\n", [1, "x"], []].map(showJson)).toEqual([
      "null",
      "true",
      "1.5",
      '"a\\n"',
      '[1, "x"]',
      "[]",
    ]);
    expect(showJson(undefined)).toBe("nothing");
    expect(showJson({})).toBe("an object");
    expect(showJson([[1]])).toBe("an array of 1");
    expect(showJson(new Array(9).fill(0))).toBe("an array of 9");
    expect(showJson("x".repeat(1000)).length).toBeLessThan(130);
  });
});
