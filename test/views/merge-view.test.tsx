import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { page } from "vitest/browser";
import "../../web/merge.css";
import "../../web/style.css";
import { adapters } from "../../web/state/adapters.ts";
import { type MadeMerge, merges } from "../../web/state/merge.ts";
import { MergeTab } from "../../web/views/merge-view.tsx";
import { madeMerge } from "../state/made-merge.ts";
import { mount } from "./mounted.ts";

let made: MadeMerge;
beforeAll(async () => {
  const files = { "README.md": new Uint8Array([1]), "adapter_config.json": new Uint8Array([2]) };
  made = await madeMerge("merged", files);
});

afterEach(() => {
  vi.restoreAllMocks();
  merges.value = [];
  adapters.value = [];
});

describe("a result", () => {
  it("goes on saying what became of one file while another, begun before, ends without a word", async () => {
    let abort = (_: Error): void => {};
    const first = new Promise<never>((_, reject) => {
      abort = reject;
    });
    const picker = vi.spyOn(globalThis as unknown as { showDirectoryPicker(): Promise<never> }, "showDirectoryPicker");
    picker.mockReturnValueOnce(first).mockRejectedValueOnce(new Error("no such folder"));
    merges.value = [made];
    mount(<MergeTab />);
    const save = page.getByRole("button", { name: "Save into a folder…" });
    await save.click();
    await save.click();
    const said = page.getByRole("status");
    await expect.element(said).toHaveTextContent("Not saved: no such folder");
    abort(new DOMException("The user aborted a request.", "AbortError"));
    // Drawn anew by the frame after the next, if at all.
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    await expect.element(said).toHaveTextContent("Not saved: no such folder");
  });

  it("offers no other merge while its adapters are not open, and says why", async () => {
    merges.value = [{ ...made, report: { ...made.report, advice: "auto keeps more." } }];
    mount(<MergeTab />);
    const again = page.getByRole("button", { name: "Merge with method auto" });
    await expect.element(again).toBeDisabled();
    const why = page.getByText("Open the adapters again to merge them.");
    await expect.element(why).toBeVisible();
    const facts = { format: "peft", baseModel: null, modules: 1, ranks: [2], scales: [1], dtypes: ["f32"], bytes: 8 };
    const card = { id: 1, name: "one", ...facts, print: null, needsBase: false, notes: [] };
    const open = (name: string) => {
      adapters.value = [{ key: 1, name, source: { from: "files", name }, weight: 1, card, error: null }];
    };
    open("another");
    await expect.element(again).toBeDisabled();
    await expect.element(page.getByText(/^The adapters that are open are not those of this result: /)).toBeVisible();
    open(made.report.inputs[0]!.name);
    await expect.element(again).toBeEnabled();
    expect(why.query()).toBeNull();
  });

  it("offers the factor that a failed check asks for, also where another rank is advised", async () => {
    const asks = { why: "This is the factor that the adapters ask for.", scale: 1.493 };
    const small = { id: "scale-too-small", found: true, figure: 1.493, limit: 1.3, text: "" } as const;
    const warning = {
      id: "mixed-clusters",
      text: "",
      fix: { why: "At rank 12 clusters mix fewer adapters.", rank: 12 },
    };
    const report = { ...made.report, warnings: [warning] } as typeof made.report;
    merges.value = [{ ...made, report, checks: { signatures: [small], fixes: [asks] } }];
    mount(<MergeTab />);
    for (const name of ["Merge with rank 12", "Merge with factor 1.493"])
      await expect.element(page.getByRole("button", { name })).toBeVisible();
  });

  it("is told in amber where an adapter acts far above its strength, and its bar is cut so that others are seen", async () => {
    const inputs = [...made.report.inputs, { ...made.report.inputs[0]!, name: "other" }];
    const modules = [{ ...made.report.modules[0]!, inputRanks: [2, 2] }];
    const report = {
      ...made.report,
      inputs,
      modules,
      totals: { ...made.report.totals, shares: [113, 0.6], cosines: [0.9, 0.3] },
    };
    merges.value = [{ ...made, report, checks: { signatures: [], fixes: [] } }];
    const root = mount(<MergeTab />);
    const headline = page.getByText(/acts at 113 times the strength/);
    await expect.element(headline).toHaveClass("note");
    await expect.element(page.getByText(/^No sign of failure in 0 checks, but an adapter/)).toHaveClass("note");
    await expect.poll(() => root.querySelectorAll(".bars rect").length).toBe(2);
    const [cut, whole] = [...root.querySelectorAll(".bars rect")].map((bar) => Number(bar.getAttribute("width")));
    expect(whole! / cut!).toBeCloseTo(0.6, 5);
  });

  it("stands where results go on a wide screen, with its adapters or without", async () => {
    await page.viewport(1280, 800);
    merges.value = [made];
    mount(<MergeTab />);
    const { left, width } = page.getByRole("region", { name: "Results" }).element().getBoundingClientRect();
    expect(left).toBeGreaterThan(320);
    expect(width).toBeGreaterThan(800);
  });
});
