import {
  type DroppedFile,
  type GroupedFolder,
  groupDropped,
  hasMoreThan,
  joined,
  leftOut,
} from "../../src/browser/dropped.ts";
import { adapters, add, change, remove } from "./adapters.ts";
import { explorer } from "./explorer.ts";
import { openingNote } from "./opening.ts";

/** The files of adapters that were refused, by key, and the halves that they were put together from: each may lack a file that comes next. */
const refused = new Map<number, readonly [GroupedFolder, ...GroupedFolder[]]>();

/** Open an adapter's files; where they are refused, with those that were refused before, if they make one adapter together. */
async function addHanded(folder: GroupedFolder, halves: readonly GroupedFolder[] = []): Promise<void> {
  const { path, loose: _, ...own } = folder;
  const source = { from: "files", name: folder.name } as const;
  const added = await add(folder.name, source, (name) => explorer.open({ ...own, name }), path);
  if (added === null) return;
  for (const key of refused.keys()) if (!adapters.value.some((adapter) => adapter.key === key)) refused.delete(key);
  if (added.error === null) {
    for (const [key, [other]] of refused) if (hasMoreThan(folder, other)) remove(key);
    return;
  }
  const names = Object.keys(own.files).join(" and ");
  if (halves.length > 0) change(added.key, { error: `${names}, taken together: ${added.error}` });
  const pairs = [...refused]
    .reverse()
    .flatMap(([key, others]) => others.map((other) => ({ key, other, whole: joined(folder, other) })));
  const pair = pairs.find(({ whole }) => whole !== null);
  refused.set(added.key, [folder, ...halves]);
  if (pair === undefined) return;
  for (const key of [pair.key, added.key]) remove(key);
  await addHanded(pair.whole!, [pair.other, folder]);
}

/** Open the adapters among files that were dropped or picked. */
export async function addFiles(files: readonly DroppedFile[]): Promise<void> {
  if (files.length === 0) throw new Error("There are no files to open; drop the folder of an adapter, or its weights.");
  const folders = groupDropped(files);
  const left = leftOut(files, folders);
  if (left.length > 0) openingNote.value = `Left out, because they belong to no adapter: ${left.join(", ")}.`;
  await Promise.all(folders.map((folder) => addHanded(folder)));
}
