import { freeName } from "../../src/browser/dropped.ts";
import { CONFIG_FILE, WEIGHTS_FILE } from "../../src/formats/peft-folder/files.ts";
import { reportText } from "../../src/merge/folder-files.ts";
import { RECIPE_FILE } from "../../src/recipe/recipe-text.ts";
import { CARD_FILE } from "../../src/report/card.ts";
import { reportPage } from "../../src/report/report-page.ts";
import { explorer } from "./explorer.ts";
import type { MadeMerge } from "./merge.ts";
import { save } from "./save-file.ts";

/** The files of a merge that can be downloaded. */
export const DOWNLOADS = ["single", "folder", "weights", "config", "recipe", "report", "page"] as const;
export type Download = (typeof DOWNLOADS)[number];

export const DOWNLOAD_TITLES: Readonly<Record<Download, string>> = {
  single: "One .safetensors file",
  folder: "PEFT folder (zip)",
  weights: WEIGHTS_FILE,
  config: CONFIG_FILE,
  recipe: RECIPE_FILE,
  report: "report.json",
  page: "report.html",
};

/** The files that can be downloaded of a merge, the one that programs load first. */
export function downloadsOf({ loading }: MadeMerge): readonly Download[] {
  return loading.single === null ? DOWNLOADS.filter((what) => what !== "single") : DOWNLOADS;
}

/** Download a file; weights and config have the names that programs look for, and the recipe the one in its own comment; all others say what was asked for. */
export async function download(merge: MadeMerge, what: Download): Promise<void> {
  const { files, name, report } = merge;
  const stored = (file: string): Blob => new Blob([files[file] as Uint8Array<ArrayBuffer>]);
  switch (what) {
    case "single":
      return save(merge.loading.single!, await singleOf(merge));
    case "folder":
      return save(`${name}.zip`, await zipOf(merge));
    case "weights":
      return save(WEIGHTS_FILE, stored(WEIGHTS_FILE));
    case "config":
      return save(CONFIG_FILE, stored(CONFIG_FILE));
    case "recipe":
      return save(RECIPE_FILE, stored(RECIPE_FILE));
    case "report":
      return save(`${name}-report.json`, new Blob([...reportText(report)], { type: "application/json" }));
    case "page":
      return save(`${name}-report.html`, new Blob([reportPage(report)], { type: "text/html" }));
  }
}

async function singleOf({ name, files, recipe, kept }: MadeMerge): Promise<Blob> {
  return new Blob([(await explorer.single({ name, files, recipe, kept })) as Uint8Array<ArrayBuffer>]);
}

async function zipOf(merge: MadeMerge): Promise<Blob> {
  const { downloadZip } = await import("client-zip");
  // The card comes first, so that whoever unpacks the folder sees what it is.
  const names = [CARD_FILE, ...Object.keys(merge.files).filter((name) => name !== CARD_FILE)];
  const entries = names.map((name) => ({
    name: `${merge.name}/${name}`,
    input: merge.files[name] as Uint8Array<ArrayBuffer>,
    lastModified: new Date(),
  }));
  return downloadZip(entries).blob();
}

/** Whether the browser can write to folders directly. */
export const canPickFolder = "showDirectoryPicker" in globalThis;

/** Write a new folder where the user chooses. @returns the folder's name; null if the user cancels */
export async function saveIntoFolder(merge: MadeMerge): Promise<string | null> {
  const pick = (globalThis as unknown as { showDirectoryPicker(of: object): Promise<FileSystemDirectoryHandle> })
    .showDirectoryPicker;
  const parent = await pick.call(globalThis, { mode: "readwrite" }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "AbortError") return null;
    throw error;
  });
  return parent === null ? null : `${parent.name}/${await writeFolder(parent, merge)}`;
}

/** Write a folder with a free name; a failure leaves nothing behind. */
async function writeFolder(parent: FileSystemDirectoryHandle, merge: MadeMerge): Promise<string> {
  const taken: string[] = [];
  for await (const name of (parent as unknown as { keys(): AsyncIterable<string> }).keys()) taken.push(name);
  const name = freeName(merge.name, taken);
  try {
    const folder = await parent.getDirectoryHandle(name, { create: true });
    for (const [file, bytes] of Object.entries(merge.files)) {
      const stream = await (await folder.getFileHandle(file, { create: true })).createWritable();
      await stream.write(bytes as Uint8Array<ArrayBuffer>);
      await stream.close();
    }
    return name;
  } catch (error) {
    await parent.removeEntry(name, { recursive: true }).catch(() => {});
    throw error;
  }
}
