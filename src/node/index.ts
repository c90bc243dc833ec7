export { type DiskAdapter, openAdapterPath, openAdapters } from "./adapter-path.ts";
export { type FolderOptions, mergeToFolder } from "./merge-to-folder.ts";
