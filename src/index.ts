export type { Adapter, AdapterModule, ModuleKind, TensorRef } from "./adapter/adapter.ts";
export type { AdapterFolder } from "./adapter/folder.ts";
export { openAdapter } from "./adapter/open.ts";
export { type ByteSink, type ByteSource, blobSource, memorySink, memorySource } from "./core/bytes.ts";
export { FormatError, LoraLegoError, OutputError, RefusedError, UsageError } from "./core/errors.ts";
export { VERSION } from "./core/version.ts";
export {
  type MergeControl,
  type MergedAdapter,
  type MergeHost,
  type MergeOutcome,
  mergeInMemory,
  runMerge,
} from "./merge/merge.ts";
export { type MergePlan, makePlan } from "./merge/plan.ts";
export type { Recipe } from "./merge/recipe.ts";
export type { MergeReport } from "./merge/report.ts";
export { reportSchema } from "./merge/report-schema.ts";
export type { Method, Target } from "./methods/method.ts";
export { METHODS, methodById } from "./methods/registry.ts";
