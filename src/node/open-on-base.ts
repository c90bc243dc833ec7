import { join } from "node:path";
import type { AdapterText } from "../adapter/dialect.ts";
import { UsageError } from "../core/errors.ts";
import { shellPath } from "../core/shell-word.ts";
import { isOnBase } from "../formats/peft-folder/lora-like-config.ts";
import { atRank } from "../fuse/at-rank.ts";
import { baseLayers } from "../fuse/base-layers.ts";
import { openModel } from "../fuse/base-model.ts";
import { refuseWithoutConfig } from "../fuse/needs-config.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import { type DiskAdapter, diskAdapter, type NamedOptions } from "./input/adapter-path.ts";
import { baseConfigOf, diskModel } from "./input/model-folder.ts";

/** The base model, and the rank of what is extracted where its weights count. */
export interface OnBase {
  readonly base: string;
  /** Default: the adapter's own. */
  readonly rank: number | undefined;
}

/**
 * Open an adapter of a method of PEFT whose delta only its base model tells, as a LoRA.
 *
 * @throws UsageError for one that needs no base; what opening the base throws
 */
export async function openOnBase(
  path: string,
  options: NamedOptions & { readonly baseConfig: AdapterText | null },
  { base, rank }: OnBase,
): Promise<DiskAdapter> {
  const folder = diskModel(base);
  try {
    await refuseIdle(path, options, base);
    const model = await openModel(folder);
    const config = baseConfigOf(folder);
    refuseWithoutConfig(model, config);
    const opened = await diskAdapter(path, { ...options, onBase: baseLayers(model, config) });
    const close = (): void => {
      opened.close();
      folder.close();
    };
    try {
      return { ...opened, adapter: await atRank(wasmKernels(), opened.adapter, rank ?? null), close };
    } catch (error) {
      opened.close();
      throw error;
    }
  } catch (error) {
    folder.close();
    throw error;
  }
}

async function refuseIdle(path: string, options: NamedOptions, base: string): Promise<void> {
  const { adapter, close } = await diskAdapter(path, options);
  close();
  if (adapter.variants.some(({ method }) => method !== undefined && isOnBase(method))) return;
  throw new UsageError(
    `${adapter.name} needs no weights of its base model to be converted; leave --base out, and for GGUF pass --base-config ${shellPath(join(base, "config.json"))} instead.`,
  );
}
