import { basename } from "node:path";
import { auditMergedAdapter, type MergedAudit } from "../analysis/audit/audit-merged.ts";
import { UsageError } from "../core/errors.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import { methodById } from "../methods/registry.ts";
import { RANK_FIELDS } from "../recipe/recipe-fields.ts";
import { recipeFlags } from "../recipe/recipe-flags.ts";
import { isRemotePath } from "../remote/remote-path.ts";
import { withoutSecrets } from "../remote/web/web-path.ts";
import { fixCommand, GGUF_FLAG, type MadeMerge } from "../report/fix-command.ts";
import type { AnyFix } from "../report/fixes.ts";
import { type Call, checkCall } from "./call/check-call.ts";
import { PATH, PATHS } from "./call/rules.ts";
import { diskAdapters, OPENING, type OpenOptions } from "./input/adapter-path.ts";
import { type RecordedInOrder, recordedMerge } from "./input/recorded-merge.ts";
import { freeNames } from "./output/free-name.ts";

/** What a merged adapter was made of. */
export interface MergedAuditOptions extends OpenOptions {
  /** Paths of the adapters that it was made of. */
  readonly of: readonly string[];
}

const AUDIT: Call<MergedAuditOptions> = {
  name: "auditMerged",
  takes: { path: PATH },
  options: { ...OPENING, of: { ...PATHS, needed: true } },
};

/**
 * Measure a merged adapter against the adapters that it was made of, and recognise how merges fail: a rank too low or too high, clusters
 * that mix adapters, a scale too small or too large, lost adapters. Weights and method are those of recipe.yaml beside it, or of a single
 * file's metadata, clusters those of report.json, if that is about it; what is missing there is listed in `unseen`.
 *
 * @throws RefusedError for adapters of different models or shapes, or that share no module with the merged one
 * @example
 * ```ts
 * import { auditMerged, mergeToFolder } from "lora-lego/node";
 *
 * const of = ["adapters/reverse", "adapters/sort"];
 * await mergeToFolder(of, {}, { out: "audited" });
 * const { good, signatures } = await auditMerged("audited", { of });
 * console.log(good, signatures.length); // true 8
 * ```
 */
export async function auditMerged(path: string, options: MergedAuditOptions): Promise<MergedAudit> {
  checkCall(AUDIT, [path, options]);
  const shown = withoutSecrets(path);
  if (options.of.length === 0) throw new UsageError("of is empty; pass the adapters that the result was made of.");
  const opened = await diskAdapters([...options.of, path], options);
  try {
    const [merged, of] = [opened.at(-1)!, opened.slice(0, -1).map(({ adapter }) => adapter)];
    const recorded = await recordedMerge({ folder: merged.folder, path: shown, metadata: merged.adapter.metadata }, of);
    const parts = options.of.map((each) => withoutSecrets(each));
    const made = madeMerge(shown, parts, recorded);
    return await auditMergedAdapter(wasmKernels(), merged.adapter, of, recorded, (fix) =>
      fixCommand(inRecipesOrder(fix, recorded.order), made),
    );
  } finally {
    for (const { close } of opened) close();
  }
}

/** The fields that `resize` takes. */
const OF_RESIZE = ["method", ...RANK_FIELDS, "dtype", "rankLayout", "extras"];

/** A fix whose positions are those of the recipe's adapters, as the flags that are said again count them. */
function inRecipesOrder(fix: AnyFix, order: readonly number[]): AnyFix {
  if ("factor" in fix || "energy" in fix) return fix;
  const { weights, sizes, leaves, ...rest } = fix;
  const ordered = (values: readonly number[]): number[] => order.map((t) => values[t]!);
  return {
    ...rest,
    ...(weights !== undefined && { weights: ordered(weights) }),
    ...(sizes !== undefined && { sizes: ordered(sizes) }),
    ...(leaves !== undefined && { leaves: leaves.map((t) => order.indexOf(t)) }),
  };
}

/** How an adapter was made, for the commands that mend it. */
function madeMerge(path: string, of: readonly string[], recorded: RecordedInOrder): MadeMerge {
  const { recipe, rankByAuto, order } = recorded;
  const { method } = recipe ?? {};
  const free = freeNames();
  const { parameters = {}, resizes } = method === undefined ? {} : methodById(method);
  const resized = of.length === 1 && (recipe === null || resizes !== undefined);
  const flags = [...(recipe === null ? [] : recipeFlags(recipe)), ...(path.endsWith(".gguf") ? [GGUF_FLAG] : [])];
  return {
    verb: resized ? "resize" : "merge",
    paths: order.map((t) => of[t]!),
    out: path,
    ofMethod: Object.keys(parameters),
    ...(recipe !== null && !resized && { method: recorded.method }),
    ...(rankByAuto === true && { rankByAuto }),
    words: (takes) =>
      flags.flatMap(({ name, words }) => (takes(name) && (!resized || OF_RESIZE.includes(name)) ? words : [])),
    // What was made of one on a server is written here.
    free: (name) => free(isRemotePath(name) ? basename(name) : name),
  };
}
