import { describe, expect, it } from "vitest";
import { sameBase } from "../../src/adapter/same-base.ts";

describe("two names of base models", () => {
  it.each([
    ["same", "acme/base", "acme/base"],
    ["same", "acme/Base", "ACME/base"],
    ["same", "/models/base", "/models/base/"],
    // A machine's path says nothing about the model there.
    ["unknown", "./base", "acme/base"],
    ["unknown", "/home/one/base", "/home/other/base"],
    ["unknown", "C:\\base", "base"],
    ["unknown", "/models/base", "/models/Base"],
    // Perhaps a copy.
    ["unknown", "acme/base", "mirror/base"],
    ["different", "acme/base-7b", "acme/base-13b"],
    ["different", "gpt2", "gpt2-medium"],
  ] as const)("are %s: %s and %s", (expected, one, other) => {
    expect([sameBase(one, other), sameBase(other, one)]).toEqual([expected, expected]);
  });
});
