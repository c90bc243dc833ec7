export { type DiskAdapter, openAdapterPath, openAdapters } from "./adapter-path.ts";
export { type Converted, type ConvertOptions, convertAdapter } from "./convert-adapter.ts";
export type { FileSource } from "./file-source.ts";
export { type FolderOptions, mergeToFolder } from "./merge-to-folder.ts";
export {
  type LoadedRecipe,
  loadRecipe,
  planRecipe,
  type RunOptions,
  runRecipe,
  type StepOutcome,
} from "./run-recipe.ts";
