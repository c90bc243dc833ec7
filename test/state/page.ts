import { afterEach, vi } from "vitest";
import type { AdapterCard } from "../../src/browser/explorer.ts";
import { FakeWorker } from "./fake-worker.ts";

let worker: FakeWorker | null = null;

afterEach(() => {
  worker?.end();
  worker = null;
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** The state of a page that was just opened, and the worker that it talks to. */
export async function freshPage() {
  const own = new FakeWorker();
  worker = own;
  vi.resetModules();
  vi.stubGlobal("Worker", function FakedWorker() {
    return own.port;
  });
  const explorer = await import("../../web/state/explorer.ts");
  const adapters = await import("../../web/state/adapters.ts");
  const handed = await import("../../web/state/handed.ts");
  const opening = await import("../../web/state/opening.ts");
  const overview = await import("../../web/state/overview.ts");
  const module = await import("../../web/state/module.ts");
  const merge = await import("../../web/state/merge.ts");
  const merging = await import("../../web/state/merging.ts");
  /** Wait until all that was said on either side so far has been heard. */
  const settled = async (): Promise<void> => {
    // Messages of a channel keep their order: what comes back now comes after all else.
    for (let round = 0; round < 2; round++) await explorer.explorer.close(-1);
  };
  return {
    ...explorer,
    ...adapters,
    ...handed,
    ...opening,
    ...overview,
    ...module,
    ...merge,
    ...merging,
    worker: own,
    settled,
  };
}

export type Page = Awaited<ReturnType<typeof freshPage>>;

export function cardOf(id: number, name = `adapter ${id}`): AdapterCard {
  const facts = { format: "peft", baseModel: null, modules: 1, ranks: [2], scales: [1], dtypes: ["f32"], bytes: 8 };
  return { id, name, ...facts, print: null, needsBase: false, notes: [] };
}

/** Files of a folder as a page gets them. */
export function folderOf(name: string) {
  return [{ path: `${name}/adapter_model.safetensors`, blob: new Blob([name]) }];
}

/** Open adapters, whose ids are 1, 2, ... in the order of their names. */
export async function openAll(page: Page, ...names: readonly string[]): Promise<void> {
  const opened = page.addFiles(names.flatMap(folderOf));
  for (const [i, name] of names.entries()) (await page.worker.next("open")).answer(cardOf(i + 1, name));
  await opened;
}
