import { expect, it } from "vitest";
import { BUILT_IN_METHODS } from "../../src/methods/built-in.ts";
import { METHODS } from "../../src/methods/registry.ts";

it("every method of the package is listed under its own id, and nothing else is registered at first", () => {
  expect(METHODS.map(({ id }) => id)).toEqual(Object.keys(BUILT_IN_METHODS));
});
