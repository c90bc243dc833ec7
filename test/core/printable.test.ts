import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printableJson, printableJsonPieces } from "../../src/core/printable.ts";

describe("printable JSON", () => {
  it("is indented, with what steers a terminal as escapes, and means the same", () => {
    const value = { "a\u202e": "line\nbreak \u2028 \u009b" };
    expect(printableJson(value)).toBe('{\n  "a\\u202e": "line\\nbreak \\u2028 \\u009b"\n}');
    expect(JSON.parse(printableJson(value))).toEqual(value);
  });

  it("is the same text in pieces, one for each element of a list", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.oneof(fc.array(fc.jsonValue()), fc.jsonValue(), fc.constant(undefined))),
        (value) => {
          expect([...printableJsonPieces(value)].join("")).toBe(printableJson(value));
        },
      ),
    );
    expect([...printableJsonPieces({ a: 1, b: [2, [3]] })]).toEqual([
      '{\n  "a": 1',
      ',\n  "b": [',
      "\n    2",
      ",\n    [\n      3\n    ]",
      "\n  ]",
      "\n}",
    ]);
  });
});
