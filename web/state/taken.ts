import type { DroppedFile } from "../../src/browser/dropped.ts";
import { addFiles } from "./adapters.ts";
import { takeBench } from "./bench.ts";
import { isPage, restoreFile } from "./page-state.ts";

/** Larger files are no pages and no results of benchmarks. */
const MOST_BYTES = 1 << 22;

/** Take files that were dropped or picked: saved pages and results of `lora-lego bench`, and adapters. */
export async function takeFiles(files: readonly DroppedFile[]): Promise<void> {
  const others: DroppedFile[] = [];
  for (const file of files) if (!(await takeJson(file))) others.push(file);
  if (others.length > 0 || files.length === 0) await addFiles(others);
}

/** Whether a file is JSON that the page itself understands. */
async function takeJson({ path, blob }: DroppedFile): Promise<boolean> {
  if (!path.endsWith(".json") || blob.size > MOST_BYTES) return false;
  let value: unknown;
  try {
    value = JSON.parse(await blob.text());
  } catch {
    return false;
  }
  if (isPage(value)) restoreFile(value);
  else if (!takeBench(value)) return false;
  return true;
}
