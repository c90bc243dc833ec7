import { writeFileSync } from "node:fs";
import { VERSION } from "../core/version.ts";
import { openModel } from "../fuse/base-model.ts";
import { fuseShard } from "../fuse/fuse.ts";
import { type FuseRecipe, planFusion } from "../fuse/fuse-plan.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import { CARD_FILE, fusionCard } from "../merge/card.ts";
import type { OnProgress } from "../merge/lane.ts";
import { type OpenOptions, openAdapters } from "./adapter-path.ts";
import { createFile, openSink } from "./file-sink.ts";
import { inputPaths } from "./merge-to-folder.ts";
import { copyBeside, diskModel, modelTypeOf } from "./model-folder.ts";
import { OutputFolder } from "./output-folder.ts";

/** How to fuse. */
export interface FuseOptions extends FuseRecipe, OpenOptions {
  /** Folder of the base model. */
  readonly base: string;
  /** Folder to write. */
  readonly out: string;
  /** Replace a folder that lora-lego wrote. Default false. */
  readonly force?: boolean;
  readonly onProgress?: OnProgress;
  readonly onNotice?: (text: string) => void;
}

/** What was fused. */
export interface Fused {
  readonly base: string;
  readonly adapters: readonly string[];
  /** Tensors that deltas were added to, and that an adapter's own took the place of. */
  readonly fused: number;
  readonly replaced: readonly string[];
  /** Of the weights' files. */
  readonly bytes: number;
}

/**
 * Add the deltas of adapters to a base model, shard by shard, into a folder that appears complete or not at all.
 *
 * @throws what opening, planning and fusing throw; OutputError when the folder cannot be written
 */
export async function fuseModel(paths: readonly string[], options: FuseOptions): Promise<Fused> {
  const { out, force = false, onProgress = () => {}, onNotice = () => {}, signal } = options;
  const folder = diskModel(options.base);
  const opened = await openAdapters(paths, options);
  let output: OutputFolder | null = null;
  try {
    const base = await openModel(folder);
    const adapters = opened.map(({ adapter }) => adapter);
    const plan = planFusion(base, adapters, options, modelTypeOf(folder));
    output = OutputFolder.create(out, [...inputPaths(paths, opened), options.base], force, onNotice);
    const bytes = base.shards.reduce((sum, { source }) => sum + source.size, 0);
    output.checkSpace(bytes);
    const kernels = wasmKernels();
    let done = 0;
    for (const [i, { file, source }] of base.shards.entries()) {
      createFile(output.path(file), source.size);
      const sink = openSink(output.path(file));
      try {
        await fuseShard(
          kernels,
          base,
          adapters,
          plan,
          i,
          sink,
          () => onProgress({ done: ++done, total: plan.fused.size }),
          signal,
        );
      } finally {
        sink.close();
      }
    }
    const beside = copyBeside(folder, (file) => output!.path(file), true);
    const names = adapters.map(({ name }) => name);
    const files = [...base.shards.map(({ file }) => file), ...beside, CARD_FILE];
    writeFileSync(output.path(CARD_FILE), fusionCard(base.name, names, files, `lora-lego ${VERSION}`));
    output.commit();
    return { base: base.name, adapters: names, fused: plan.fused.size, replaced: [...plan.replaced.keys()], bytes };
  } catch (error) {
    output?.discard();
    throw error;
  } finally {
    for (const { close } of opened) close();
    folder.close();
  }
}
