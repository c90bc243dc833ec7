import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { page } from "vitest/browser";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { type MadeMerge, merges } from "../../web/state/merge.ts";
import { MergeTab } from "../../web/views/merge-view.tsx";
import { linear, openPeft } from "../support/memory-folder.ts";
import { mount } from "./mounted.ts";

let made: MadeMerge;
beforeAll(async () => {
  const tensors = linear("q").map((tensor) => ({ ...tensor, data: tensor.data.fill(0x3d) }));
  const { report } = await mergeInMemory([await openPeft(tensors)], { method: "cat" });
  const files = { "README.md": new Uint8Array([1]), "adapter_config.json": new Uint8Array([2]) };
  made = { number: 1, name: "merged", title: "cat, rank 2", report, files, loading: [], seconds: 1 };
});

afterEach(() => {
  vi.restoreAllMocks();
  merges.value = [];
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
});
