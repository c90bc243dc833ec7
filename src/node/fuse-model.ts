import { join } from "node:path";
import type { Notice } from "../adapter/adapter.ts";
import { VERSION } from "../core/version.ts";
import { openModel } from "../fuse/base-model.ts";
import { fuseShard } from "../fuse/fuse.ts";
import { refuseWithoutConfig } from "../fuse/needs-config.ts";
import { fusedConfig, fusedIndex, layoutShard } from "../fuse/output-model.ts";
import { type FuseRecipe, planFusion } from "../fuse/plan-fusion.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import type { OnProgress } from "../lanes/lane.ts";
import { CARD_FILE, fusionCard } from "../report/card.ts";
import { type Call, checkCall } from "./call/check-call.ts";
import { FUNCTION, NUMBERS, PATH, PATHS } from "./call/rules.ts";
import { diskAdapters, INPUT, inputPaths } from "./input/adapter-path.ts";
import { baseConfigOf, diskModel, filesBeside } from "./input/model-folder.ts";
import { type InputOptions, PLACE } from "./merge-adapters.ts";
import { fillFile } from "./output/file-sink.ts";
import { intoFolder, type OutputOptions } from "./output/into-output.ts";

/** How to fuse. */
export interface FuseOptions extends FuseRecipe, InputOptions, Omit<OutputOptions, "bytes"> {
  /** Folder of the base model. */
  readonly base: string;
  /** Folder to write. */
  readonly out: string;
  readonly onProgress?: OnProgress;
}

const FUSE: Call<FuseOptions> = {
  name: "fuseModel",
  takes: { paths: PATHS },
  options: {
    ...INPUT,
    ...PLACE,
    base: { ...PATH, needed: true },
    out: { ...PATH, needed: true },
    weights: NUMBERS,
    scale: { type: "number" },
    extras: { type: "choice", choices: ["replace", "drop"] },
    onProgress: FUNCTION,
  },
};

/** What was fused. */
export interface Fused {
  readonly base: string;
  readonly adapters: readonly string[];
  /** Number of tensors that deltas were added to, and names of those that an adapter's own tensors replaced. */
  readonly fused: number;
  readonly replaced: readonly string[];
  /** Whether the head, which was the base's embedding, is now a separate tensor. */
  readonly untied: boolean;
  /** Rows of the embedding if they differ from the base's; else null. */
  readonly vocabSize: number | null;
  /** Number of modules that belong to other parts of an image pipeline, by part; fuse them into those parts' folders. */
  readonly elsewhere: Readonly<Record<string, number>>;
  /** Size of the weights files. */
  readonly bytes: number;
  /** What the adapters hold that users should know. */
  readonly warnings: readonly Notice[];
}

/**
 * Add the deltas of adapters to a base model, shard by shard, into a folder that appears complete or not at all.
 *
 * @throws whatever opening, planning and fusing throw; OutputError when the folder cannot be written
 * @example
 * ```ts
 * import { fuseModel } from "lora-lego/node";
 *
 * const { fused, replaced } = await fuseModel(["adapters/sort"], { base: "base", out: "base-that-sorts" });
 * console.log(fused, replaced.length); // 21 0
 * ```
 */
export async function fuseModel(paths: readonly string[], options: FuseOptions): Promise<Fused> {
  checkCall(FUSE, [paths, options]);
  const { out, force = false, onProgress = () => {}, onNotice = () => {}, signal } = options;
  const folder = diskModel(options.base);
  const config = baseConfigOf(folder);
  // GGUF files of some families need the base's config to name their modules.
  const opened = await diskAdapters(paths, { ...options, baseConfig: config });
  try {
    const base = await openModel(folder);
    refuseWithoutConfig(base, config);
    const adapters = opened.map(({ adapter }) => adapter);
    const plan = planFusion(base, adapters, options, config);
    const layouts = await Promise.all(base.shards.map((_, i) => layoutShard(base, plan, i)));
    const changed = [...plan.changed.values()];
    const total = changed.filter(({ parts }) => parts.length > 0).length;
    const beside = filesBeside(folder);
    const bytes = layouts.reduce((sum, { size }) => sum + size, 0);
    const names = adapters.map(({ name }) => name);
    const inputs = [...inputPaths(paths, opened), options.base];
    await intoFolder(out, inputs, { force, onNotice, bytes }, async (output) => {
      const kernels = wasmKernels();
      let done = 0;
      const onFused = (): void => onProgress({ done: ++done, total });
      for (const [i, layout] of layouts.entries()) {
        await fillFile(output.path(base.shards[i]!.file), layout.size, (sink) =>
          fuseShard(kernels, base, adapters, plan, layout, sink, onFused, signal),
        );
      }
      const texts = new Map([
        ["config.json", config === null ? null : await fusedConfig(config, plan)],
        ...(base.index === null ? [] : [[base.index.file, fusedIndex(base.index.text, base, layouts)] as const]),
      ]);
      for (const file of beside) {
        const text = texts.get(file) ?? null;
        if (text === null) output.copy(join(folder.path, file), file);
        else output.write(file, text);
      }
      const files = [...base.shards.map(({ file }) => file), ...beside, CARD_FILE];
      output.write(CARD_FILE, fusionCard(base.name, names, files, `lora-lego ${VERSION}`));
    });
    const replaced = changed.filter(({ origin, rows }) => origin.input !== null || rows.length > 0);
    return {
      base: base.name,
      adapters: names,
      fused: total,
      replaced: replaced.map(({ name }) => name),
      untied: plan.untied,
      vocabSize: plan.vocabSize,
      elsewhere: Object.fromEntries(plan.elsewhere),
      bytes,
      warnings: adapters.flatMap(({ notices }) => notices),
    };
  } finally {
    for (const { close } of opened) close();
    folder.close();
  }
}
