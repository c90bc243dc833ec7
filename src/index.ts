export type {
  Adapter,
  AdapterFileNames,
  AdapterModule,
  Notice,
  TensorRef,
  TokenRows,
  UnitId,
} from "./adapter/adapter.ts";
export type { ConsumerId, FormatId } from "./adapter/consumers.ts";
export { type AdapterFolder, adapterFolder } from "./adapter/folder.ts";
export { openAdapter } from "./adapter/open.ts";
export type { Variant, VariantId } from "./adapter/variants.ts";
export type { Conversion, Writer, WrittenTensor } from "./convert/conversion.ts";
export { WRITERS, writeConversion, writerOf } from "./convert/convert.ts";
export {
  type ByteSink,
  type ByteSource,
  blobSource,
  memorySink,
  memorySource,
} from "./core/bytes.ts";
export { FormatError, HubError, LoraLegoError, OutputError, RefusedError, UsageError } from "./core/errors.ts";
export type { ModuleKind } from "./core/module-kind.ts";
export { VERSION } from "./core/version.ts";
export type { HubAccess } from "./hub/request.ts";
export { type StreamedAdapter, streamHubAdapter } from "./hub/stream-adapter.ts";
export type { OnProgress } from "./merge/lane.ts";
export {
  type MergeControl,
  type MergedAdapter,
  type MergeOutcome,
  mergeInMemory,
  mergeToSink,
} from "./merge/merge.ts";
export type { MergePlan } from "./merge/merge-plan.ts";
export { makePlan } from "./merge/plan.ts";
export type { Recipe } from "./merge/recipe.ts";
export {
  type ParsedRecipe,
  parseRecipe,
  type RecipeFile,
  type RecipeSource,
  type RecipeStep,
} from "./merge/recipe-file.ts";
export { recipeSchema } from "./merge/recipe-schema.ts";
export { recipeText } from "./merge/recipe-text.ts";
export type { InputReport, MergeReport, ModuleReport, TotalsReport } from "./merge/report.ts";
export { reportSchema } from "./merge/report-schema.ts";
export type { Warning } from "./merge/warning.ts";
export type { LegoOptions } from "./methods/lego/options.ts";
export type { ClusterReport, EnergyRule, Method, Target } from "./methods/method.ts";
export { METHODS, methodById } from "./methods/registry.ts";
