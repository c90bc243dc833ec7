import { describe, expect, it } from "vitest";
import { freshPage } from "./page.ts";

describe("the page's explorer", () => {
  it.each([
    ["no SIMD", "The explorer did not start (no SIMD); it needs"],
    ["", "The explorer did not start; it needs"],
  ])("says why its worker does not start: %j", async (message, sentence) => {
    const { worker, explorerError } = await freshPage();
    expect(explorerError.value).toBeNull();
    (worker.port as unknown as { onerror(event: { message: string }): void }).onerror({ message });
    expect(explorerError.value).toContain(sentence);
  });

  it("has a sentence for whatever went wrong", async () => {
    const { sentenceOf } = await freshPage();
    expect(sentenceOf(new TypeError("one is damaged."))).toBe("one is damaged.");
    expect(sentenceOf("torn")).toBe("torn");
  });
});
