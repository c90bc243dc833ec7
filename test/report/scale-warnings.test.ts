import { describe, expect, it } from "vitest";
import { scaleWarnings } from "../../src/report/scale-warnings.ts";

const told = (pull: number | null, response: number | null, ofImages = false) =>
  scaleWarnings({ rule: "pull", factor: 3, pull, response, norm: 1 }, ofImages);

describe("a computed factor", () => {
  it("is uncertain where the two ways to it are more than twice apart, either way round, and the other one is to be tried", () => {
    for (const [pull, response] of [
      [3, 1.4],
      [1.4, 3],
    ] as const) {
      const [warning, ...others] = told(pull, response);
      expect(others).toEqual([]);
      expect(warning!.id).toBe("scale-uncertain");
      expect(warning!.text).toContain(`3 was taken`);
      expect(warning!.text).toMatch(new RegExp(`their own directions ask for ${response}\\.$`));
      expect(warning!.fix).toEqual({ why: expect.stringContaining("score both"), scale: response });
    }
  });

  it("is told by pictures of image models, which eval does not score", () => {
    expect(told(3, 1, true)[0]!.fix!.why).toContain("look at pictures of both, and keep the better.");
    expect(told(3, 1, true)[0]!.fix!.why).not.toContain("eval");
  });

  it("is not mentioned where they agree or one is missing", () => {
    expect([told(3, 1.5), told(1.5, 3), told(3, null), told(null, 3)].flat()).toEqual([]);
  });

  it("is said to be unknown where there is none", () => {
    const none = { rule: "no direction", factor: 1, pull: null, response: 9, norm: 1 } as const;
    const text =
      "The result goes along with none of the adapters, so no factor follows from them and 1 was taken; set --scale.";
    expect(scaleWarnings(none, false)).toEqual([{ id: "scale-unknown", text }]);
  });
});
