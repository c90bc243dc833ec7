import { type DroppedFile, holdsAdapter } from "../../src/browser/dropped.ts";
import { isAdapterConfig } from "../../src/formats/peft-folder/files.ts";
import { useBaseConfig } from "./base-config.ts";
import { takeBench } from "./bench.ts";
import { addFiles } from "./handed.ts";
import { isPage, restoreFile } from "./page-state.ts";

/** Larger files are no pages and no results of benchmarks. */
const MOST_BYTES = 1 << 22;

/** Take files that were dropped or picked: saved pages and results of `lora-lego bench`, and adapters. */
export async function takeFiles(files: readonly DroppedFile[]): Promise<void> {
  const others: DroppedFile[] = [];
  for (const file of files) {
    if (isArchive(file)) others.push(...(await (await import("../../src/browser/unzipped.ts")).unzipped(file)));
    else if (!(await takeJson(file))) others.push(file);
  }
  // What lies beside a base model's config may be an adapter or not.
  const adapters = others.some(({ path }) => holdsAdapter(path));
  if (adapters || others.length === files.length) await addFiles(others);
}

/** Whether a file was handed over as an archive; one inside a folder is left alone. */
function isArchive({ path }: DroppedFile): boolean {
  return /^[^/]*\.zip$/i.test(path);
}

/** Whether a file is JSON that the page itself understands. */
async function takeJson({ path, blob }: DroppedFile): Promise<boolean> {
  if (!path.endsWith(".json") || blob.size > MOST_BYTES) return false;
  const text = await blob.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return false;
  }
  if (/(^|\/)config\.json$/.test(path) && isBaseConfig(value)) await useBaseConfig({ text, where: path });
  else if (isPage(value)) restoreFile(value);
  else if (!takeBench(value)) return false;
  return true;
}

/** Whether JSON is the config of a model, and not of an adapter. */
function isBaseConfig(value: unknown): boolean {
  return typeof (value as { model_type?: unknown } | null)?.model_type === "string" && !isAdapterConfig(value);
}
