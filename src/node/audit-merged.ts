import { auditMergedAdapter, type MergedAudit } from "../analysis/audit/audit-merged.ts";
import { UsageError } from "../core/errors.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import { type Call, checkCall } from "./call/check-call.ts";
import { PATH, PATHS } from "./call/rules.ts";
import { diskAdapters, OPENING, type OpenOptions } from "./input/adapter-path.ts";
import { recordedMerge } from "./input/recorded-merge.ts";

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
 * that mix adapters, a scale too small or too large, lost adapters. Weights and method are those of recipe.yaml beside it, clusters those
 * of report.json; what is missing there is listed in `unseen`.
 *
 * @throws RefusedError for adapters of different models or shapes, or that share no module with the merged one
 * @example
 * ```ts
 * import { auditMerged, mergeToFolder } from "lora-lego/node";
 *
 * const of = ["adapters/reverse", "adapters/sort"];
 * await mergeToFolder(of, {}, { out: "audited" });
 * const { good, signatures } = await auditMerged("audited", { of });
 * console.log(good, signatures.length); // true 7
 * ```
 */
export async function auditMerged(path: string, options: MergedAuditOptions): Promise<MergedAudit> {
  checkCall(AUDIT, [path, options]);
  if (options.of.length === 0) throw new UsageError("of is empty; pass the adapters that the result was made of.");
  const opened = await diskAdapters([...options.of, path], options);
  try {
    const [merged, of] = [opened.at(-1)!, opened.slice(0, -1).map(({ adapter }) => adapter)];
    const recorded = await recordedMerge(merged.folder, of);
    return await auditMergedAdapter(wasmKernels(), merged.adapter, of, path, recorded);
  } finally {
    for (const { close } of opened) close();
  }
}
