import { beforeEach, expect, it } from "vitest";
import { cardOf, freshPage, type Page } from "./page.ts";

let page: Page;
let taken: typeof import("../../web/state/taken.ts");
let base: typeof import("../../web/state/base-config.ts");
let kept: typeof import("../../web/state/page-state.ts");
beforeEach(async () => {
  page = await freshPage();
  taken = await import("../../web/state/taken.ts");
  base = await import("../../web/state/base-config.ts");
  kept = await import("../../web/state/page-state.ts");
});

const gguf = (path: string) => ({ path, blob: new Blob([path]) });
const config = (path: string, value: object = { model_type: "llama" }) => ({
  path,
  blob: new Blob([JSON.stringify(value)]),
});
const llama = (id: number) => ({ ...cardOf(id), format: "gguf" });
const listed = () => page.adapters.value.map(({ card, error }) => card?.id ?? error);
/** A GGUF adapter is open, whose modules have llama.cpp's names. */
async function openGguf(): Promise<void> {
  const opened = page.addFiles([gguf("cola.gguf")]);
  (await page.worker.next("open")).answer({ ...llama(1), needsBase: true });
  await opened;
}
/** The base model's config is handed over, and the worker takes it. */
async function give(path = "config.json"): Promise<Promise<void>> {
  const giving = taken.takeFiles([config(path)]);
  const asked = await page.worker.next("useBase");
  expect(asked.args).toEqual([{ text: '{"model_type":"llama"}', where: path }]);
  asked.answer("llama");
  return giving;
}

it("is asked for where modules have llama.cpp's names, and has these adapters read again", async () => {
  await openGguf();
  expect(base.withoutBase.value).toEqual(["cola"]);
  const giving = give();
  const again = await page.worker.next("open");
  expect(again.args).toMatchObject([{ name: "cola" }]);
  again.answer(llama(2));
  await giving;
  await page.settled();
  expect([base.withoutBase.value, listed()]).toEqual([[], [2]]);
  expect(page.worker.told).toContainEqual({ method: "close", args: [1] });
  expect(base.baseConfig.value).toMatchObject({ where: "config.json", modelType: "llama" });
});

it("of another model is said with the adapters that it refuses, until the right one comes", async () => {
  await openGguf();
  for (const answer of [new Error("cola is an adapter for llama."), llama(3)]) {
    const giving = give();
    const again = await page.worker.next("open");
    if (answer instanceof Error) again.refuse(answer);
    else again.answer(answer);
    await giving;
    expect(listed()).toEqual([answer instanceof Error ? answer.message : answer.id]);
  }
});

it("in a folder is taken from it, whose other files are opened where they are an adapter's", async () => {
  await give("base/config.json");
  expect(listed()).toEqual([]);
  const both = taken.takeFiles([config("set/config.json"), gguf("set/cola.gguf")]);
  (await page.worker.next("useBase")).answer("llama");
  (await page.worker.next("open")).answer(llama(1));
  await both;
  expect(listed()).toEqual([1]);
});

it("is no adapter's config", async () => {
  const taking = taken.takeFiles([config("adapter/config.json", { model_type: "llama", peft_type: "LORA" })]);
  (await page.worker.next("open")).refuse(new Error("adapter holds no adapter."));
  await taking;
  expect(base.baseConfig.value).toBeNull();
});

it("is kept with the page", async () => {
  kept.restoreFile({ base: { text: '{"model_type":"llama"}', where: "config.json" } });
  (await page.worker.next("useBase")).answer("llama");
  await page.settled();
  expect(base.baseConfig.value?.modelType).toBe("llama");
});
