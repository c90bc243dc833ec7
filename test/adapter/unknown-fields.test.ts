import { expect, it } from "vitest";
import { unknownFieldNotices } from "../../src/adapter/unknown-fields.ts";

it.each([
  [["a"], "a", "it does"],
  [["a", "b", "c", "d", "e"], "a, b, c, d, e", "they do"],
  [["a", "b", "c", "d", "e", "f", "g"], "a, b, c, d, e and 2 more", "they do"],
  [["x".repeat(90)], "x".repeat(80), "it does"],
])("unknown fields are reported by five names of 80 characters at most: %j", (fields, shown, they) => {
  expect(unknownFieldNotices("it", fields, "its config")).toEqual([
    {
      id: "unknown-field",
      text: `it sets ${shown} in its config, which lora-lego does not know and the result does not carry; check that ${they} not change what the adapter means.`,
    },
  ]);
});
