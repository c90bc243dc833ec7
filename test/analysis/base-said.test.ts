import { expect, it } from "vitest";
import { baseSaid } from "../../src/analysis/loading-lines.ts";

const linesOf = (base: string) => ({ lines: [{ title: "vLLM", line: `vllm serve ${base} --enable-lora` }] });

it("says what to put into a line for a base model that programs may not find by its name", () => {
  expect(baseSaid(linesOf("gemma3"), "gemma3", true, false)).toMatch(
    /^gemma3 is the base model as the adapter names it;/,
  );
  expect(baseSaid(linesOf("google/gemma"), "google/gemma", true, true)).toBeNull();
  expect(baseSaid(linesOf("BASE"), "/home/me/gemma", false, false)).toBe(
    "BASE stands for the base model, for the adapter names /home/me/gemma, which is not here.",
  );
  expect(baseSaid(linesOf("BASE"), null, false, false)).toMatch(/which the adapter does not name\.$/);
});

it("says nothing where no line names the base", () => {
  expect(baseSaid({ lines: [] }, "gemma3", true, false)).toBeNull();
});
