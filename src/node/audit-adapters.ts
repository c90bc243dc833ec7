import { type Audit, auditSet } from "../analysis/audit/audit-set.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import { withoutSecrets } from "../remote/web/web-path.ts";
import { type Call, checkCall } from "./call/check-call.ts";
import { PATHS } from "./call/rules.ts";
import { diskAdapters, OPENING, type OpenOptions } from "./input/adapter-path.ts";
import { partsAgain } from "./input/parts-again.ts";
import { unusedNames } from "./output/free-name.ts";

const AUDIT: Call<OpenOptions> = { name: "auditAdapters", takes: { paths: PATHS }, options: OPENING };

/**
 * Look at the adapters at these paths before merging them: norms and shares, similarity, whether they began with the same A, conflicts by
 * kind of layer, spectra, which programs load them, what speaks against merging, and the merge to make with its measured basis. Each
 * module is read once, and one is in memory at a time.
 *
 * @throws RefusedError for adapters of different models or shapes; what a merge would refuse besides is a finding
 * @example
 * ```ts
 * import { auditAdapters } from "lora-lego/node";
 *
 * const { good, sharedStart, recommendation } = await auditAdapters(["adapters/reverse", "adapters/sort"]);
 * console.log(good, sharedStart, recommendation?.method, recommendation?.rank); // true [] tsv 8
 * ```
 */
export async function auditAdapters(paths: readonly string[], options: OpenOptions = {}): Promise<Audit> {
  checkCall(AUDIT, [paths, options]);
  const opened = await diskAdapters(paths, options);
  const adapters = opened.map(({ adapter }) => adapter);
  try {
    const shown = paths.map((path) => withoutSecrets(path));
    return await auditSet(wasmKernels(), adapters, shown, {
      merges: await partsAgain(opened),
      free: unusedNames(),
    });
  } finally {
    for (const { close } of opened) close();
  }
}
