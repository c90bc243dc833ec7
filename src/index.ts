/**
 * Merge LoRA adapters in Node and in browsers; nothing here imports from Node.
 *
 * Open adapters (`openAdapter`), write a `Recipe`, and plan (`makePlan`) or merge (`mergeInMemory`, `mergeToSink`). Errors are
 * `LoraLegoError`s whose message is one sentence with the fix. `defineMethod` and `registerMethod` add merge methods.
 *
 * @example
 * ```ts
 * import { adapterFolder, blobSource, mergeInMemory, openAdapter } from "lora-lego";
 *
 * // Files that a user dropped into a page, one list per adapter.
 * const open = (name: string, files: readonly File[]) =>
 *   openAdapter(adapterFolder(name, Object.fromEntries(files.map((file) => [file.name, blobSource(file.name, file)]))));
 * export async function merge(math: readonly File[], med: readonly File[]): Promise<Uint8Array> {
 *   const adapters = [await open("math", math), await open("med", med)];
 *   return (await mergeInMemory(adapters, { method: "lego" })).weights;
 * }
 * ```
 * @module lora-lego
 */
export type {
  Adapter,
  AdapterFileNames,
  AdapterModule,
  ComposedFactor,
  ComputedFactor,
  DialectId,
  FactorPiece,
  FactorRef,
  MatrixHalves,
  MatrixRef,
  Notice,
  PlainFactor,
  ReadAdapter,
  StridedFactor,
  Strides,
  TensorRef,
  TokenRows,
  UnitId,
} from "./adapter/adapter.ts";
export { CONSUMER_IDS, type ConsumerId } from "./adapter/consumers.ts";
export type { ReadingOptions } from "./adapter/container.ts";
export type { AdapterText } from "./adapter/dialect.ts";
export { type AdapterFolder, adapterFolder } from "./adapter/folder.ts";
export type { Kinds } from "./adapter/kinds.ts";
export { openAdapter } from "./adapter/open.ts";
export type { Variant, VariantId } from "./adapter/variants.ts";
export type {
  Conversion,
  FactorContent,
  FormatWriter,
  WrittenTensor,
} from "./convert/conversion.ts";
export { type Writer, writerOf } from "./convert/convert.ts";
export { FORMAT_IDS, type FormatId, WRITTEN_FORMATS, type WrittenFormat } from "./convert/formats.ts";
export { writeConversion } from "./convert/write-conversion.ts";
export {
  type ByteSink,
  type ByteSource,
  blobSource,
  type MemorySource,
  memorySink,
  memorySource,
} from "./core/bytes.ts";
export { DTYPE_BITS, type Dtype, type FactorDtype, type OutputDtype } from "./core/dtype.ts";
export { FormatError, LoraLegoError, OutputError, RefusedError, RemoteError, UsageError } from "./core/errors.ts";
export type { ModuleKind } from "./core/module-kind.ts";
export { VERSION } from "./core/version.ts";
export type { AutoScale } from "./figures/auto-scale.ts";
export type { StoredModule } from "./formats/peft-folder/factors.ts";
export type { ParameterPart } from "./formats/peft-folder/parameters.ts";
export type { FactorPlaces, Range } from "./formats/peft-folder/places.ts";
export { CHANGING_FIELDS, type ChangingField, type PeftConfig } from "./formats/peft-folder/read-config.ts";
export type { Timings } from "./lanes/clock.ts";
export type { OnProgress } from "./lanes/lane.ts";
export { type Combination, scaledUnit, type UnitProducts } from "./linalg/combination.ts";
export {
  type MergeControl,
  type MergedAdapter,
  type MergeOutcome,
  mergeInMemory,
  mergeToSink,
} from "./merge/merge.ts";
export { AUTO } from "./methods/auto.ts";
export * from "./methods/built-in.ts";
export { defineMethod, type FilledField, type MethodDefinition, type OptionsOf } from "./methods/define-method.ts";
export { RESCALES, type Rescale } from "./methods/elementwise/by-chance.ts";
export { CONSENSUSES, type Consensus, MAJORITIES, type Majority } from "./methods/elementwise/consensus.ts";
export type { ConsensusOptions } from "./methods/elementwise/options.ts";
export { RULES, type Rule } from "./methods/elementwise/rules.ts";
export {
  AFTER_STEPS,
  type AfterStep,
  type ClusterReport,
  DEFAULT_METHOD,
  ENERGY_RULES,
  type EnergyRule,
  largestRank,
  type MergedModule,
  type MergeRequest,
  type Method,
  type ModuleShape,
  type ModuleTarget,
  sumOfRanks,
  type Target,
  type Zod,
} from "./methods/method.ts";
// As a whole, so that users can add the options of their methods to MethodOptions.
export * from "./methods/method-options.ts";
export type { ScoredDirections } from "./methods/net-utility.ts";
export type {
  Choice as ChoiceValues,
  ChoiceParameter,
  Described as DescribedParameter,
  NumberParameter,
  Numeric as NumberValues,
  Parameter,
  ParameterOf,
  ParameterTable,
  Switch as SwitchValues,
  SwitchParameter,
} from "./methods/parameters.ts";
export { METHODS, methodById, type RegisterOptions, registerMethod } from "./methods/registry.ts";
export type { ExtraSource, MergePlan, PlannedExtra, PlannedModule, ScaledPlan } from "./plan/merge-plan.ts";
export { makePlan } from "./plan/plan.ts";
export type { Findings } from "./plan/plan-ranks.ts";
export type { Fix, Warning } from "./plan/warning.ts";
export type {
  DoraPolicy,
  DtypeChoice,
  ExtrasPolicy,
  LooseRecipe,
  ModuleWeights,
  RankLayout,
  Recipe,
  RecipeFields,
  Scale,
} from "./recipe/recipe.ts";
export {
  type ParsedRecipe,
  parseRecipe,
  type RecipeFile,
  type RecipeSource,
  type RecipeStep,
} from "./recipe/recipe-file.ts";
export { recipeSchema } from "./recipe/recipe-schema.ts";
export { recipeText } from "./recipe/recipe-text.ts";
export type { HubAccess } from "./remote/hub/hub-server.ts";
export { type StreamedAdapter, streamHubAdapter } from "./remote/hub/stream-adapter.ts";
export type { ServerAccess } from "./remote/request.ts";
export type { BudgetReport, Count, InputReport, MergeReport, ModuleReport, TotalsReport } from "./report/report.ts";
export type { LiveUnits } from "./units/live-units.ts";
export type { PoolMemory } from "./units/memory.ts";
export type { Pool } from "./units/pool.ts";
export type { UnitRows } from "./units/unit-rows.ts";
