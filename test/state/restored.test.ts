import { beforeEach, describe, expect, it, vi } from "vitest";
import { cardOf, folderOf, freshPage, type Page } from "./page.ts";

let page: Page;
let restore: typeof import("../../web/state/page-state.ts");
beforeEach(async () => {
  page = await freshPage();
  restore = await import("../../web/state/page-state.ts");
});

const source = { from: "files", name: "checkpoint-100" } as const;
const [math, med] = [
  { source, name: "math", weight: 2, print: "8-a" },
  { source, name: "med", weight: 3, print: "8-b" },
];

/** Open a folder of that name whose files have a print. */
async function open(id: number, print: string): Promise<void> {
  const opened = page.addFiles(folderOf("checkpoint-100"));
  (await page.worker.next("open")).answer({ ...cardOf(id), print });
  await opened;
}
const listed = () => page.adapters.value.map(({ name, weight, card }) => [card?.id, name, weight]);

describe("adapters of a restored page", () => {
  it("each take one name and weight, by their files where several have one source", async () => {
    restore.restoreFile({ adapters: [math, med] });
    await open(1, "8-b");
    expect(listed()).toEqual([[1, "med", 3]]);
    expect(restore.missing.value.map(({ name }) => name)).toEqual(["math"]);
    await open(2, "8-a");
    expect(listed()).toEqual([
      [1, "med", 3],
      [2, "math", 2],
    ]);
    expect(restore.missing.value).toEqual([]);
  });

  it("take them in order where nothing else is known, and keep what they took", async () => {
    const plain = [math, med].map(({ print: _, ...rest }) => rest);
    restore.restoreFile({ adapters: plain });
    await open(1, "8-b");
    page.rename(page.adapters.value[0]!.key, "mine");
    expect(listed()).toEqual([[1, "mine", 2]]);
    await open(2, "8-a");
    expect(listed()).toEqual([
      [1, "mine", 2],
      [2, "med", 3],
    ]);
  });

  it("are waited for until they are open", async () => {
    restore.restoreFile({ adapters: [math] });
    const opened = page.addFiles(folderOf("checkpoint-100"));
    (await page.worker.next("open")).refuse(new Error("checkpoint-100 is no adapter."));
    await opened;
    expect(restore.missing.value.map(({ name }) => name)).toEqual(["math"]);
  });

  it("of a page that lora-lego ui served take them where they are opened by hand", async () => {
    restore.restoreFile({ adapters: [{ ...math, source: { from: "server", name: "checkpoint-100" } }] });
    await open(1, "8-a");
    expect(listed()).toEqual([[1, "math", 2]]);
    expect(restore.missing.value).toEqual([]);
  });

  it("are saved with what tells their files from others", async () => {
    await open(1, "8-a");
    vi.stubGlobal("location", new URL("http://localhost/"));
    expect(decodeURIComponent(restore.pageLink())).toContain('"weight":1,"print":"8-a"');
  });
});
