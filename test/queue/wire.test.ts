import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentId, decode, encode } from "../../src/queue/wire.ts";

const long = Array.from({ length: 40 }, (_, i) => i / 3);

describe("what goes through a queue", () => {
  it.each([
    [{}],
    [{ a: [], b: {}, c: null, d: "x", e: [true] }],
    [new Map([["layers.0", { scores: [0.1, 1 / 3], span: 2 }]])],
    [{ a: Float64Array.of(1 / 3, Number.NaN, -0), b: new Float64Array(0) }],
    [[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0]],
    [{ long, mixed: [...long, null], inside: [[long]] }],
  ])("comes out as it went in (%#)", (value) => {
    const found = decode(encode(value));
    expect(found).toEqual(value);
    expect(encode(found)).toBe(encode(value));
  });

  it("keeps every number to its last bit", () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { maxLength: 64 }), (numbers) => {
        const found = decode(encode(numbers)) as number[];
        expect(found.length).toBe(numbers.length);
        for (const [i, number] of found.entries()) expect(Object.is(number, numbers[i])).toBe(true);
      }),
    );
  });

  it("has a name that follows from its content", () => {
    expect(contentId(encode({ a: 1 }))).toBe(contentId('{"a":1}'));
    expect(contentId(encode({ a: 1 }))).not.toBe(contentId(encode({ a: 2 })));
  });

  it.each(["", "{", "undefined"])("refuses %j", (text) => {
    expect(() => decode(text)).toThrow(SyntaxError);
  });
});
