import { VERSION } from "../core/version.ts";
import { CONFIG_FILE, WEIGHTS_FILE } from "../formats/peft-folder/files.ts";
import { configText } from "../formats/peft-folder/write-config.ts";
import { openModel } from "../fuse/base-model.ts";
import { type ExtractRecipe, planExtraction } from "../fuse/extract.ts";
import { type ExtractedModule, extractionGroups, extractModules } from "../fuse/extract-modules.ts";
import { refuseWithoutConfig } from "../fuse/needs-config.ts";
import { refuseOtherConfig } from "../fuse/refuse-other-config.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import type { OnProgress } from "../lanes/lane.ts";
import type { DtypeChoice } from "../recipe/recipe.ts";
import { RECIPE_FIELDS } from "../recipe/recipe-fields.ts";
import { CARD_FILE, extractionCard } from "../report/card.ts";
import { type Call, checkCall } from "./call/check-call.ts";
import { COUNT, FUNCTION, PATH, PATTERNS, SIGNAL } from "./call/rules.ts";
import { baseConfigOf, diskModel } from "./input/model-folder.ts";
import { PLACE } from "./merge-adapters.ts";
import { fillFile } from "./output/file-sink.ts";
import { intoFolder, type OutputOptions } from "./output/into-output.ts";

/** How to extract. */
export interface ExtractOptions extends ExtractRecipe, Omit<OutputOptions, "bytes"> {
  /** Folders of the model before and after tuning. */
  readonly base: string;
  readonly tuned: string;
  /** Folder to write. */
  readonly out: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

const EXTRACT: Call<ExtractOptions> = {
  name: "extractAdapter",
  takes: {},
  options: {
    ...PLACE,
    base: { ...PATH, needed: true },
    tuned: { ...PATH, needed: true },
    out: { ...PATH, needed: true },
    rank: { ...COUNT, needed: true },
    dtype: { type: "choice", choices: Object.keys(RECIPE_FIELDS.dtype.choices) as DtypeChoice[] },
    include: PATTERNS,
    exclude: PATTERNS,
    signal: SIGNAL,
    onProgress: FUNCTION,
  },
};

/** What was extracted. */
export interface Extracted {
  readonly rank: number;
  readonly modules: readonly ExtractedModule[];
  /** Share of the squared norm of all changes that is kept, over the extracted modules. */
  readonly energy: number;
  /** Tensors that differ but are not in the adapter. */
  readonly unrepresented: readonly string[];
  /** Size of the weights file. */
  readonly bytes: number;
}

/**
 * Extract a LoRA from a full fine-tune into a folder that appears complete or not at all.
 *
 * @throws RefusedError where the two config.json name different models, or as `planExtraction` and `extractModules`
 * @example
 * ```ts
 * import { extractAdapter, fuseModel } from "lora-lego/node";
 *
 * await fuseModel(["adapters/sort"], { base: "base", out: "tuned" });
 * const { modules } = await extractAdapter({ base: "base", tuned: "tuned", out: "sort-again", rank: 8 });
 * console.log(modules.length); // 21
 * ```
 */
export async function extractAdapter(options: ExtractOptions): Promise<Extracted> {
  checkCall(EXTRACT, [options]);
  const { out, force = false, onProgress = () => {}, onNotice = () => {}, signal } = options;
  const folders = [diskModel(options.base), diskModel(options.tuned)] as const;
  try {
    const [base, tuned] = await Promise.all([openModel(folders[0]), openModel(folders[1])]);
    const config = baseConfigOf(folders[0]);
    refuseWithoutConfig(base, config);
    refuseOtherConfig(config, baseConfigOf(folders[1]));
    const plan = await planExtraction(base, tuned, options, config);
    const bytes = plan.layout.size;
    const kernels = wasmKernels();
    const modules: ExtractedModule[] = [];
    await intoFolder(out, [options.base, options.tuned], { force, onNotice, bytes }, async (output) => {
      await fillFile(output.path(WEIGHTS_FILE), bytes, async (sink) => {
        await sink.write(0, plan.layout.header);
        for (const group of extractionGroups(plan)) {
          signal?.throwIfAborted();
          modules.push(...(await extractModules(kernels, base, tuned, plan, group, sink)));
          onProgress({ done: modules.length, total: plan.modules.length });
        }
      });
      output.write(CONFIG_FILE, configText(plan.config));
      const names = [CONFIG_FILE, WEIGHTS_FILE, CARD_FILE];
      output.write(CARD_FILE, extractionCard(base.name, tuned.name, names, `lora-lego ${VERSION}`));
    });
    const squares = modules.reduce((sum, { norm }) => sum + norm * norm, 0);
    const kept = modules.reduce((sum, { norm, energy }) => sum + energy * norm * norm, 0);
    return {
      rank: plan.rank,
      modules,
      energy: kept / squares,
      unrepresented: plan.unrepresented,
      bytes,
    };
  } finally {
    for (const folder of folders) folder.close();
  }
}
