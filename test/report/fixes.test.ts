import { expect, it } from "vitest";
import { FIXES } from "../../src/report/fixes.ts";

it("names the factor that was given, where another one is times that", () => {
  expect(FIXES.factor(0.198, 3)).toEqual({
    why: "The adapters ask for 0.198 times its factor 3, which is 0.594.",
    scale: 0.594,
  });
  expect(FIXES.factor(1.5, 1)).toEqual({ why: "This is the factor that the adapters ask for.", scale: 1.5 });
  expect(FIXES.factor(1.5, null)).toEqual({ why: "This is the factor that the adapters ask for.", factor: 1.5 });
});
