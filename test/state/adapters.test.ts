import { beforeEach, describe, expect, it, vi } from "vitest";
import type { DroppedFile } from "../../src/browser/dropped.ts";
import { cardOf, folderOf, freshPage, openAll, type Page } from "./page.ts";

let page: Page;
beforeEach(async () => {
  page = await freshPage();
});

const listed = () => page.adapters.value.map(({ name, card, error }) => [name, card?.id ?? error]);
const keyOf = (name: string): number => page.adapters.value.find((adapter) => adapter.name === name)!.key;

describe("opening adapters", () => {
  it("lists them at once and shows each as soon as it is open, or why it is not", async () => {
    const adding = page.addFiles([...folderOf("one"), ...folderOf("two")]);
    expect(listed()).toEqual([
      ["one", null],
      ["two", null],
    ]);
    const [one, two] = [await page.worker.next("open"), await page.worker.next("open")];
    two.refuse(new Error("two is no adapter."));
    await page.settled();
    expect(page.announcement.value).toBe("two is not open: two is no adapter.");
    one.answer(cardOf(7));
    await adding;
    expect(page.announcement.value).toBe("one is open.");
    expect(listed()).toEqual([
      ["one", 7],
      ["two", "two is no adapter."],
    ]);
    expect(page.openAdapters.value.map(({ name }) => name)).toEqual(["one"]);
    expect(page.openingError.value).toBeNull();
  });

  it("hands the files of a folder to the worker, under a name that is free", async () => {
    await openAll(page, "one");
    void page.addFiles(folderOf("one"));
    const { args } = await page.worker.next("open");
    expect(args).toMatchObject([{ name: "one (2)", folders: [] }]);
    const { files } = args[0] as { files: Record<string, { blob: Blob }> };
    expect(await files["adapter_model.safetensors"]!.blob.text()).toBe("one");
  });

  it("closes one that was removed while it was being opened, and says nothing of it", async () => {
    const adding = page.addFiles([...folderOf("one"), ...folderOf("two")]);
    page.remove(keyOf("one"));
    page.remove(keyOf("two"));
    (await page.worker.next("open")).answer(cardOf(5));
    (await page.worker.next("open")).refuse(new Error("two is no adapter."));
    await adding;
    await page.settled();
    expect(page.worker.told).toContainEqual({ method: "close", args: [5] });
    expect(listed()).toEqual([]);
    expect(page.announcement.value).toBe("two is removed.");
  });

  it("speaks of one that was renamed meanwhile by its new name", async () => {
    const adding = page.addFiles(folderOf("one"));
    page.rename(keyOf("one"), "judge");
    (await page.worker.next("open")).answer(cardOf(1));
    await adding;
    expect(page.announcement.value).toBe("judge is open.");
  });

  it("says what it left out, and that nothing was dropped", async () => {
    page.opening(() => page.addFiles([...folderOf("one"), { path: "notes.txt", blob: new Blob([]) }]));
    await page.worker.next("open");
    expect(page.openingNote.value).toBe("Left out, because they belong to no adapter: notes.txt.");
    page.opening(() => page.addFiles([]));
    await page.settled();
    expect(page.openingError.value).toMatch(/^There are no files to open; drop the folder/);
    expect(page.openingNote.value).toBeNull();
    page.opening(async () => {});
    expect(page.openingError.value).toBeNull();
  });

  const [weights, config] = ["adapter_model.safetensors", "adapter_config.json"].map((path) => ({
    path,
    blob: new Blob([path]),
  })) as [DroppedFile, DroppedFile];
  /** Hand over one file, which is refused by itself. */
  const handOver = async (file: DroppedFile): Promise<void> => {
    void page.addFiles([file]);
    (await page.worker.next("open")).refuse(new Error(`${file.path} lacks the other.`));
    await page.settled();
  };

  it.each([
    ["weights, then their config", [weights, config]],
    ["a config, then its weights", [config, weights]],
  ])("makes one of %s, which were refused alone", async (_, files) => {
    for (const file of files) await handOver(file);
    const whole = await page.worker.next("open");
    expect(Object.keys((whole.args[0] as { files: object }).files).sort()).toEqual([config.path, weights.path]);
    whole.answer(cardOf(3));
    await page.settled();
    expect(listed()).toEqual([["adapter", 3]]);
  });

  it("names both files where the one adapter that they make is refused", async () => {
    for (const file of [weights, config]) await handOver(file);
    (await page.worker.next("open")).refuse(new Error("adapter has two ranks."));
    await page.settled();
    expect(listed()).toEqual([
      ["adapter", `${config.path} and ${weights.path}, taken together: adapter has two ranks.`],
    ]);
  });

  it("goes on with one of two files that make no adapter together, once its own other half comes", async () => {
    const stray = { path: "training_args.bin", blob: new Blob(["stray"]) };
    for (const file of [stray, config]) await handOver(file);
    (await page.worker.next("open")).refuse(new Error("training_args.bin is no adapter."));
    await page.settled();
    await handOver(weights);
    const whole = await page.worker.next("open");
    expect(Object.keys((whole.args[0] as { files: object }).files).sort()).toEqual([config.path, weights.path]);
    whole.answer(cardOf(3));
    await page.settled();
    expect(listed()).toEqual([["adapter", 3]]);
  });

  it("takes a refusal back where its file comes again with what it lacked", async () => {
    await handOver(weights);
    void page.addFiles([weights, config]);
    (await page.worker.next("open")).answer(cardOf(4));
    await page.settled();
    expect(listed()).toEqual([["adapter", 4]]);
  });

  it.each([
    ["owner/name", "", null],
    ["hf://owner/name", "secret", "secret"],
    ["https://huggingface.co/owner/name", "", null],
  ])("asks the Hub for %s with token %j", async (path, typed, token) => {
    void page.addFromHub(path, typed);
    expect((await page.worker.next("openHub")).args).toEqual([
      "hf://owner/name",
      { endpoint: "https://huggingface.co", token },
    ]);
    expect(listed()).toEqual([["owner/name", null]]);
  });
});

describe("adapters that are served beside the page", () => {
  const serve = (response: Response, url = "http://localhost/page/list.json") =>
    vi.stubGlobal("fetch", async () => Object.defineProperty(response, "url", { value: url }));

  it("are read from where the list lies", async () => {
    serve(Response.json([{ name: "one", folders: ["x"], files: [{ name: "a.bin", size: 3, url: "one/a.bin" }] }]));
    void page.addServed("list.json");
    expect((await page.worker.next("open")).args).toEqual([
      { name: "one", folders: ["x"], files: { "a.bin": { url: "http://localhost/page/one/a.bin", size: 3 } } },
    ]);
  });

  it("are opened once where they are the example set, which ends the first view", async () => {
    const list = ["one", "two"].map((name) => ({ name, folders: [], files: [] }));
    vi.stubGlobal("fetch", async () => Object.defineProperty(Response.json(list), "url", { value: "http://h/l.json" }));
    const { intro } = await import("../../web/state/intro.ts");
    intro.value = true;
    const drawn = page.drawExample();
    for (const id of [1, 2]) (await page.worker.next("open")).answer(cardOf(id));
    await drawn;
    expect(intro.value).toBe(true);
    // Nobody opened them.
    expect(page.announcement.value).toBe("");
    await page.openExample();
    expect([intro.value, listed()]).toEqual([
      false,
      [
        ["one", 1],
        ["two", 2],
      ],
    ]);
    page.remove(keyOf("one"));
    void page.openExample();
    expect((await page.worker.next("open")).args).toMatchObject([{ name: "one" }]);
  });

  it.each([
    [new Response("one is gone.", { status: 500, headers: { "content-type": "text/plain" } }), "one is gone."],
    [
      new Response("<h1>404</h1>", { status: 404, headers: { "content-type": "text/html" } }),
      "list.json was not found (404); serve the page's whole folder.",
    ],
  ])("are told missing in the server's own sentence, else in ours", async (response, sentence) => {
    serve(response);
    page.opening(() => page.addServed("list.json"));
    await expect.poll(() => page.openingError.value).toBe(sentence);
    expect(listed()).toEqual([]);
  });
});

describe("the list of adapters", () => {
  beforeEach(() => openAll(page, "one", "two", "zero"));
  const names = (): string[] => page.adapters.value.map(({ name }) => name);

  it("is moved within its ends", () => {
    page.move(keyOf("zero"), -1);
    expect(names()).toEqual(["one", "zero", "two"]);
    expect(page.announcement.value).toBe("zero is number 2 of 3.");
    page.move(keyOf("one"), -1);
    page.move(keyOf("two"), 1);
    expect(names()).toEqual(["one", "zero", "two"]);
    expect(page.chosenAdapters.value.map(({ id }) => id)).toEqual([1, 3, 2]);
  });

  it("takes names that are free and weights that are numbers", () => {
    expect(page.rename(keyOf("two"), " one ")).toBe("one (2)");
    expect(page.rename(keyOf("zero"), "  ")).toBe("zero");
    expect(page.rename(keyOf("zero"), "zero")).toBe("zero");
    expect(page.weigh(keyOf("one"), -0.5)).toBe(-0.5);
    expect(page.weigh(keyOf("one"), Number.NaN)).toBe(-0.5);
    expect(page.chosenAdapters.value).toEqual([
      { id: 1, name: "one", weight: -0.5 },
      { id: 2, name: "one (2)", weight: 1 },
      { id: 3, name: "zero", weight: 1 },
    ]);
  });

  it("closes what is removed, in the worker too", async () => {
    page.remove(keyOf("two"));
    await page.settled();
    expect(page.worker.told).toContainEqual({ method: "close", args: [2] });
    expect(page.idsOf(page.openIds.value)).toEqual([1, 3]);
    expect(page.announcement.value).toBe("two is removed.");
    for (const name of ["one", "zero"]) page.remove(keyOf(name));
    expect(page.idsOf(page.openIds.value)).toEqual([]);
  });
});
