export { type DiskAdapter, openAdapterPath, openAdapters } from "./adapter-path.ts";
export { type Converted, type ConvertOptions, convertAdapter } from "./convert-adapter.ts";
export { type Extracted, type ExtractOptions, extractAdapter } from "./extract-adapter.ts";
export type { FileSource } from "./file-source.ts";
export { type Fused, type FuseOptions, fuseModel } from "./fuse-model.ts";
export type { HubOptions } from "./hub-adapters.ts";
export { type HubSettings, hubSettings } from "./hub-settings.ts";
export type { OutputOptions } from "./into-output.ts";
export {
  type FormatOptions,
  type InputOptions,
  type Merged,
  type MergedOutputPlan,
  type MergeOptions,
  mergeAdapters,
  mergeToFolder,
  planMergedOutput,
} from "./merge-adapters.ts";
export type { MachineControl } from "./merge-into.ts";
export type { PlaceOptions } from "./output-place.ts";
export { type Pushed, type PushOptions, pushAdapter } from "./push-adapter.ts";
export {
  type LoadedRecipe,
  loadRecipe,
  type PlannedStep,
  planRecipe,
  type RunOptions,
  runRecipe,
  type StepOutcome,
} from "./run-recipe.ts";
