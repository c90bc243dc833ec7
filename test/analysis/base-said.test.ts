import { expect, it } from "vitest";
import { baseSaid } from "../../src/analysis/loading-lines.ts";

const linesOf = (base: string) => ({ lines: [{ title: "vLLM", line: `vllm serve ${base} --enable-lora` }] });

it("says what to put into a line for a base model that programs may not find by its name", () => {
  expect(baseSaid(linesOf("gemma3"), "gemma3", true, false)).toMatch(
    /^gemma3 is the base model as the adapter names it;/,
  );
  expect(baseSaid(linesOf("google/gemma"), "google/gemma", true, true)).toBeNull();
  expect(baseSaid(linesOf("BASE"), "/home/me/gemma", false, false)).toBe(
    "Put the base model's path, or owner/name, in place of BASE: the adapter names /home/me/gemma, where nothing is.",
  );
  expect(baseSaid(linesOf("BASE"), null, false, false)).toMatch(/which the adapter does not name\.$/);
});

it("says what BASE.gguf stands for", () => {
  const gguf = { lines: [{ title: "llama.cpp", line: "llama-server -m BASE.gguf --lora a.gguf" }] };
  for (const named of ["gpt2", null]) {
    expect(baseSaid(gguf, named, named !== null, true)).toBe("BASE.gguf stands for the base model as a GGUF file.");
  }
});

it("says nothing where no line names the base", () => {
  expect(baseSaid({ lines: [] }, "gemma3", true, false)).toBeNull();
});
