import { afterEach, describe, expect, it } from "vitest";
import { page } from "vitest/browser";
import type { Audit } from "../../src/analysis/audit/audit-set.ts";
import { audited } from "../../web/state/overview.ts";
import { SetSummary } from "../../web/views/set-summary.tsx";
import { mount } from "./mounted.ts";

type Verdict = Audit["consumers"][number];
const loads: Verdict = { for: "peft", title: "PEFT", version: "0.18", problems: [], undecided: null };
const undecided: Verdict = {
  ...loads,
  for: "vllm",
  title: "vLLM",
  undecided: "whether vLLM takes LoRA for an encoder",
};
const refuses: Verdict = {
  ...loads,
  for: "tgi",
  title: "TGI",
  problems: [{ adapter: "one", text: "rank 6 is none that TGI takes." }],
};

afterEach(() => {
  audited.value = null;
});

describe("loading adapters as they are", () => {
  it.each([
    ["PEFT, perhaps vLLM", [loads, undecided, refuses]],
    ["perhaps vLLM", [undecided, refuses]],
    ["no program", [refuses]],
  ])("names %s", async (names, consumers) => {
    const audit = { adapters: [{ name: "one" }], consumers, findings: [], recommendation: null };
    audited.value = { audit: audit as unknown as Audit, lost: [], conversions: {} };
    mount(<SetSummary />);
    await expect.element(page.getByText(`Loading them as they are: ${names}`, { exact: true })).toBeVisible();
    // Only what is refused has a reason.
    expect(document.querySelectorAll("details b").length).toBe(1);
    await expect.element(page.getByText("one: rank 6 is none that TGI takes.")).toBeInTheDocument();
  });

  it("gives the terminal's command where the files have to be converted, instead of words that the page has no field for", () => {
    const text = "llama.cpp does not load peft files; convert it to gguf, and check the result with --for llamacpp.";
    const consumers: Verdict[] = [
      { ...loads, for: "llamacpp", title: "llama.cpp", problems: [{ adapter: "one", text }] },
    ];
    const command = "lora-lego convert one --to gguf --base-config BASE/config.json --out one.gguf";
    const audit = { adapters: [{ name: "one" }], consumers, findings: [], recommendation: null };
    audited.value = { audit: audit as unknown as Audit, lost: [], conversions: { llamacpp: command } };
    const said = mount(<SetSummary />).querySelector("details p + p")!;
    expect(said.textContent).toBe(`llama.cpp: one: llama.cpp does not load peft files; in the terminal ${command}`);
  });

  it("does not say what rank a merge takes by itself, since the form takes the recommended one", () => {
    const findings = [{ level: "note", id: "rank-too-low", text: "Rank 4, which a merge takes by itself." }];
    const audit = { adapters: [{ name: "one" }], consumers: [], findings, recommendation: null };
    audited.value = { audit: audit as unknown as Audit, lost: [], conversions: {} };
    expect(mount(<SetSummary />).textContent).not.toContain("takes by itself");
  });
});
