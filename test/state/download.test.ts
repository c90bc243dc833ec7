import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { groupDropped } from "../../src/browser/dropped.ts";
import { unzipped } from "../../src/browser/unzipped.ts";
import { DOWNLOADS, type Download, download, downloadsOf, saveIntoFolder } from "../../web/state/download.ts";
import type { MadeMerge } from "../../web/state/merge.ts";
import { madeMerge } from "./made-merge.ts";
import { MemoryDirectory } from "./memory-directory.ts";

const single = vi.fn(async () => new TextEncoder().encode("one file"));
vi.mock("../../web/state/explorer.ts", () => ({ explorer: { single: () => single() } }));

const FILES = {
  "adapter_model.safetensors": "weights",
  "adapter_config.json": "config",
  "recipe.yaml": "recipe",
  "README.md": "card",
  "tokenizer.json": "tokens",
};
const NAME = "merged-cat-r2";

let made: MadeMerge;
beforeAll(async () => {
  const files = Object.fromEntries(Object.entries(FILES).map(([name, text]) => [name, new TextEncoder().encode(text)]));
  made = await madeMerge(NAME, files);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("a download", () => {
  const saved = new Map<string, Blob>();
  const blobs = new Map<string, Blob>();
  beforeEach(() => {
    saved.clear();
    blobs.clear();
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => {
      blobs.set(`blob:${blobs.size}`, blob as Blob);
      return `blob:${blobs.size - 1}`;
    });
    vi.spyOn(URL, "revokeObjectURL").mockImplementation((url) => void blobs.delete(url));
    const createElement = () => ({
      href: "",
      download: "",
      click() {
        saved.set(this.download, blobs.get(this.href)!);
      },
    });
    vi.stubGlobal("document", { createElement });
  });

  const textOf = async (what: Download): Promise<Record<string, string>> => {
    await download(made, what);
    return Object.fromEntries(await Promise.all(Array.from(saved, async ([name, blob]) => [name, await blob.text()])));
  };

  it.each([
    ["weights", { "adapter_model.safetensors": "weights" }],
    ["config", { "adapter_config.json": "config" }],
    ["recipe", { "recipe.yaml": "recipe" }],
  ] as const)(
    "of the %s is the merge's own file, under the name that programs and its own comment call it by",
    async (what, files) => {
      expect(await textOf(what)).toEqual(files);
    },
  );

  it("of the report is JSON or a page", async () => {
    const files = { ...(await textOf("report")), ...(await textOf("page")) };
    expect(JSON.parse(files[`${NAME}-report.json`]!)).toEqual(JSON.parse(JSON.stringify(made.report)));
    expect(files[`${NAME}-report.html`]).toMatch(/^<!doctype html>/i);
  });

  it("of the folder has every file, the card first", async () => {
    const zip = (await textOf("folder"))[`${NAME}.zip`]!;
    const names = Array.from(zip.matchAll(/merged-[\w./-]+?(?:\.(?:safetensors|json|yaml|md))/g), ([name]) => name);
    // Each stands before its file, and again in the directory at the end.
    expect(new Set(names)).toEqual(new Set(Object.keys(FILES).map((name) => `${NAME}/${name}`)));
    expect(names).toHaveLength(2 * Object.keys(FILES).length);
    expect(names[0]).toBe(`${NAME}/README.md`);
    for (const text of Object.values(FILES)) expect(zip).toContain(text);
  });

  it("of the folder is opened again as the adapter that it holds", async () => {
    await download(made, "folder");
    const files = await unzipped({ path: `${NAME}.zip`, blob: saved.get(`${NAME}.zip`)! });
    const [folder, ...others] = groupDropped(files);
    expect([folder!.name, others.length]).toEqual([NAME, 0]);
    const texts = Object.entries(folder!.files).map(async ([name, file]) => [
      name,
      await (file as { blob: Blob }).blob.text(),
    ]);
    expect(Object.fromEntries(await Promise.all(texts))).toEqual(FILES);
  });

  it("is one file, which comes first, where the programs of an image model load that", async () => {
    expect(downloadsOf(made)[0]).toBe("folder");
    const image = { ...made, loading: { ...made.loading, single: `${NAME}.safetensors` } };
    expect(downloadsOf(image)[0]).toBe("single");
    await download(image, "single");
    expect(await saved.get(`${NAME}.safetensors`)!.text()).toBe("one file");
  });

  it("is held in memory for a minute, which is enough to be saved", async () => {
    const image = { ...made, loading: { ...made.loading, single: `${NAME}.safetensors` } };
    for (const what of DOWNLOADS) await download(image, what);
    expect(saved.size).toBe(DOWNLOADS.length);
    expect(blobs.size).toBe(DOWNLOADS.length);
    vi.advanceTimersByTime(60_000);
    expect(blobs.size).toBe(0);
  });
});

describe("saving into a folder", () => {
  const pick = (picked: () => Promise<MemoryDirectory>) => vi.stubGlobal("showDirectoryPicker", picked);

  it("writes a new folder of a name that is free", async () => {
    const home = new MemoryDirectory("home");
    pick(async () => home);
    expect(await saveIntoFolder(made)).toBe(`home/${NAME}`);
    expect(await saveIntoFolder(made)).toBe(`home/${NAME} (2)`);
    expect(home.contents()).toEqual({ [NAME]: FILES, [`${NAME} (2)`]: FILES });
  });

  it("leaves nothing behind where a file cannot be written, and what lay there as it was", async () => {
    const home = new MemoryDirectory("home");
    pick(async () => home);
    await saveIntoFolder(made);
    home.full = "recipe.yaml";
    await expect(saveIntoFolder(made)).rejects.toThrow("no space for recipe.yaml");
    expect(home.contents()).toEqual({ [NAME]: FILES });
  });

  it("is no error where the user thinks better of it, but is one where no folder can be picked", async () => {
    pick(() => Promise.reject(new DOMException("The user aborted a request.", "AbortError")));
    expect(await saveIntoFolder(made)).toBeNull();
    pick(() => Promise.reject(new DOMException("Not here.", "SecurityError")));
    await expect(saveIntoFolder(made)).rejects.toThrow("Not here.");
  });
});
