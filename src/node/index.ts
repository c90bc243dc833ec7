/**
 * The commands of the CLI as functions on paths: merge, convert, fuse, extract, check, audit, inspect, compare, verify, the Hub, recipe files.
 * A path is a folder, a file in one, hf://owner/name, or https://host/path. Outputs appear complete or not at all.
 *
 * @module lora-lego/node
 */

export type { AuditedAdapter } from "../analysis/audit/adapter-tally.ts";
export type { MergedAudit } from "../analysis/audit/audit-merged.ts";
export type { Audit } from "../analysis/audit/audit-set.ts";
export type { ConsumerVerdict } from "../analysis/audit/consumer-verdicts.ts";
export type { KindConflict } from "../analysis/audit/kind-conflicts.ts";
export type { MergedFigures } from "../analysis/audit/merged-figures.ts";
export type { Recommendation } from "../analysis/audit/recommend.ts";
export type { RecommendedMerge } from "../analysis/audit/set-facts.ts";
export type { AuditFinding } from "../analysis/audit/set-findings.ts";
export type { Signature } from "../analysis/audit/signatures.ts";
export type { InspectedBlock } from "../analysis/blocks.ts";
export type { Check, Finding } from "../analysis/check.ts";
export type { Mend } from "../analysis/checks/finding.ts";
export type { Mended } from "../analysis/checks/mending-command.ts";
export type { ComparedMerge, Comparison } from "../analysis/compare.ts";
export type { InspectedModule, Inspection } from "../analysis/inspect.ts";
export type { MeasuredMethod } from "../analysis/measured-methods.ts";
export type { Claim } from "../analysis/verify.ts";
export type { DeltaFigures } from "../figures/delta.ts";
export type { Purity } from "../figures/purity.ts";
export type { ExtractRecipe } from "../fuse/extract.ts";
export type { ExtractedModule } from "../fuse/extract-modules.ts";
export type { FuseRecipe } from "../fuse/plan-fusion.ts";
export type { WebAccess } from "../remote/web/look-up.ts";
export type { Kept } from "../report/kept.ts";
export type { Measured } from "../report/measured.ts";
export { auditAdapters } from "./audit-adapters.ts";
export { auditMerged, type MergedAuditOptions } from "./audit-merged.ts";
export { type CheckedAdapter, type CheckOptions, checkAdapter } from "./check-adapter.ts";
export { type CompareOptions, compareAdapters } from "./compare-adapters.ts";
export { type Converted, type ConvertOptions, convertAdapter } from "./convert-adapter.ts";
export { type Extracted, type ExtractOptions, extractAdapter } from "./extract-adapter.ts";
export type { FileSource } from "./files/file-source.ts";
export { type Fused, type FuseOptions, fuseModel } from "./fuse-model.ts";
export {
  type DiskAdapter,
  type NamedOptions,
  type OpenOptions,
  openAdapterPath,
  openAdapters,
} from "./input/adapter-path.ts";
export type { BasePaths } from "./input/open-base.ts";
export { inspectAdapter } from "./inspect-adapter.ts";
export {
  type BaseOptions,
  type FormatOptions,
  type InputOptions,
  type Merged,
  type MergedOutputPlan,
  type MergeOptions,
  mergeAdapters,
  mergeToFolder,
  type PlannedOptions,
  planMergedOutput,
} from "./merge-adapters.ts";
export type { OutputOptions } from "./output/into-output.ts";
export type { PlaceOptions } from "./output/output-place.ts";
export { type Pushed, type PushOptions, pushAdapter } from "./push-adapter.ts";
export type { OnDownload } from "./remote/blob.ts";
export type { HubOptions } from "./remote/hub-adapters.ts";
export { type HubSettings, hubSettings } from "./remote/hub-settings.ts";
export {
  type LoadedRecipe,
  loadRecipe,
  type PlannedStep,
  planRecipe,
  type RunOptions,
  runRecipe,
  type StepOutcome,
} from "./run-recipe.ts";
export type { MachineControl } from "./threads/disk-host.ts";
export { type VerifyOptions, verifyAdapters } from "./verify-adapters.ts";
