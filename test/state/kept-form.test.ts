import { beforeEach, describe, expect, it } from "vitest";
import type { PageAdapter } from "../../web/state/page-state.ts";
import { cardOf, folderOf, freshPage, type Page } from "./page.ts";

let page: Page;
let kept: typeof import("../../web/state/kept-form.ts");
beforeEach(async () => {
  page = await freshPage();
  kept = await import("../../web/state/kept-form.ts");
});

const recipe = { method: "lego", target: { kind: "rank", rank: 9 }, scale: 0.5 } as const;
const math: PageAdapter = { source: { from: "files", name: "math" }, name: "judge", weight: 2, print: "8-a" };

/** Open a folder called math whose files have a print. */
async function open(id: number, print: string): Promise<void> {
  const opened = page.addFiles(folderOf("math"));
  (await page.worker.next("open")).answer({ ...cardOf(id), print });
  await opened;
}
const weights = () => page.adapters.value.map(({ name, weight }) => [name, weight]);

describe("the form that an earlier visit left", () => {
  it("comes back with the weight of the very adapter that had it, whenever that is opened", async () => {
    kept.restoreForm({ recipe, weighted: [math] });
    expect(page.recipe.value).toEqual(recipe);
    await open(1, "8-b");
    expect(weights()).toEqual([["math", 1]]);
    // It stays for another visit until then.
    expect(kept.form.value).toEqual({ recipe, weighted: [math] });
    await open(2, "8-a");
    expect(weights()).toEqual([
      ["math", 1],
      ["math (2)", 2],
    ]);
    expect(kept.form.value).toEqual({ recipe, weighted: [{ ...math, name: "math (2)" }] });
  });

  it("is nothing to a form that was filled before it was found", () => {
    page.ask({ method: "svd" });
    kept.restoreForm({ recipe, weighted: [math] });
    expect(kept.form.value).toEqual({ recipe: { method: "svd" }, weighted: [] });
  });

  it("gives way to the weights of a page that is restored", async () => {
    const { restoreFile } = await import("../../web/state/page-state.ts");
    kept.restoreForm({ recipe, weighted: [math] });
    restoreFile({ adapters: [{ ...math, weight: 1 }] });
    await open(1, "8-a");
    expect(weights()).toEqual([["judge", 1]]);
  });

  it("is forgotten: what was asked for, and weights of adapters that are open or not", async () => {
    expect(kept.formIsFilled.value).toBe(false);
    kept.restoreForm({ recipe, weighted: [math, { ...math, print: "8-b", weight: 3 }] });
    await open(1, "8-b");
    expect(kept.formIsFilled.value).toBe(true);
    kept.forgetForm();
    expect(kept.formIsFilled.value).toBe(false);
    await open(2, "8-a");
    expect(weights()).toEqual([
      ["math", 1],
      ["math (2)", 1],
    ]);
  });
});
