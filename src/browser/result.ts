import type { Adapter } from "../adapter/adapter.ts";
import { openAdapter } from "../adapter/open.ts";
import { isPath } from "../adapter/same-base.ts";
import { auditMergedAdapter, type RecordedMerge } from "../analysis/audit/audit-merged.ts";
import type { Signature } from "../analysis/audit/signatures.ts";
import { baseSaid, type LoadingLine, programLines } from "../analysis/loading-lines.ts";
import { RefusedError } from "../core/errors.ts";
import { maximum } from "../core/maximum.ts";
import { WEIGHTS_FILE } from "../formats/peft-folder/files.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { methodById } from "../methods/registry.ts";
import { makePlan } from "../plan/plan.ts";
import type { Kept } from "../plan/planned-adapter.ts";
import type { Recipe } from "../recipe/recipe.ts";
import type { AnyFix } from "../report/fixes.ts";
import { askedRank } from "../report/rank-rule.ts";
import type { MergeReport } from "../report/report.ts";
import { MAX_UNITS } from "../units/memory.ts";
import { handedFolder } from "./handed-files.ts";
import { singleFile } from "./single-file.ts";

/** The files of a merged folder, by name. */
type Files = Readonly<Record<string, Uint8Array>>;

/** A merged folder as programs get it. */
export interface LoadedResult {
  readonly name: string;
  readonly files: Files;
  readonly recipe: Recipe;
  /** What a single file of it says that the folder does not hold. */
  readonly kept: Kept;
}

/** How programs load a merged adapter. */
export interface ResultLoading {
  readonly lines: readonly LoadingLine[];
  /** The single file that they load, of an image model; null where they load the folder. */
  readonly single: string | null;
  /** The programs of which nothing can be said without the base's config. */
  readonly undecided: readonly string[];
  /** What has to be put into the lines for the base model; null where nothing has. */
  readonly base: string | null;
  /** Why the program that it was made for does not load it, after all; null if nothing is known against it. */
  readonly against: string | null;
}

function openResult(name: string, files: Files): Promise<Adapter> {
  const handed = Object.fromEntries(Object.entries(files).map(([file, bytes]) => [file, { bytes }]));
  return openAdapter(handedFolder({ name, files: handed, folders: [] }));
}

/** How programs load a merged adapter of this name. */
export async function resultLoading({ name, files, recipe, kept }: LoadedResult): Promise<ResultLoading> {
  const folder = await openResult(name, files);
  const single = await singleFile(name, { ...folder, ...kept }, recipe);
  const adapter = single === null ? folder : await openResult(name, { [single.name]: single.bytes });
  const { baseModel } = folder;
  const base = baseModel === null || isPath(baseModel) ? null : baseModel;
  const path = single?.name ?? name;
  const found = programLines(
    adapter,
    { path, weights: single?.name ?? `${name}/${WEIGHTS_FILE}`, name, base },
    recipe.for ?? null,
  );
  return {
    ...found,
    single: single?.name ?? null,
    base: baseSaid(found, baseModel, base !== null, base?.includes("/") === true),
  };
}

/** A merged folder as the single file that programs load. @throws RefusedError where there is none */
export async function resultFile({ name, files, recipe, kept }: LoadedResult): Promise<Uint8Array> {
  const single = await singleFile(name, { ...(await openResult(name, files)), ...kept }, recipe);
  if (single === null) throw new RefusedError(`${name} cannot be one file; take its folder.`);
  return single.bytes;
}

/** A merge that was made in the page. */
export interface PageResult {
  readonly name: string;
  readonly files: Files;
  readonly recipe: Recipe;
  readonly report: MergeReport;
}

/** What an audit finds in a result, and the merges that it would try instead. */
export interface ResultChecks {
  readonly signatures: readonly Signature[];
  readonly fixes: readonly AnyFix[];
}

/**
 * The checks of `lora-lego audit --of` on a result.
 *
 * @param inputs that it was made of, in its report's order
 * @returns null where they are not known: a module has more units than are compared
 */
export async function resultChecks(
  kernels: Kernels,
  { name, files, recipe, report }: PageResult,
  inputs: readonly Adapter[],
): Promise<ResultChecks | null> {
  const units = report.modules.map(({ inputRanks, rank }) =>
    inputRanks.reduce<number>((sum, r) => sum + (r ?? 0), rank),
  );
  if (maximum(units) > MAX_UNITS) return null;
  const result = await openResult(name, files);
  const plan = makePlan(inputs, { ...recipe, weights: report.inputs.map(({ weight }) => weight) } as Recipe);
  const own = new Map(plan.modules.map((module) => [module.name, module.weights]));
  const weights = plan.inputs.map(({ weight }) => weight);
  const clusters = report.modules.flatMap(({ clusters: of }) =>
    of === null ? [] : [of.map(({ members }) => members.map(([t]) => t))],
  );
  const recorded: RecordedMerge = {
    method: methodById(plan.method),
    weights,
    weightsOf: (module) => own.get(module) ?? weights,
    recipe,
    asked: askedRank(plan.target),
    clusters: clusters.length === 0 ? null : { modules: clusters, of: report.totals },
    unseen: [],
    mismatch: null,
  };
  const fixes: AnyFix[] = [];
  const { signatures } = await auditMergedAdapter(kernels, result, inputs, recorded, (fix) => {
    fixes.push(fix);
    return "";
  });
  return { signatures, fixes };
}
