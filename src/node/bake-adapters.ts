import type { Adapter } from "../adapter/adapter.ts";
import { isDora } from "../adapter/dora.ts";
import { UsageError } from "../core/errors.ts";
import { bakeDora } from "../fuse/bake.ts";
import { openModel } from "../fuse/base-model.ts";
import { refuseWithoutConfig } from "../fuse/needs-config.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import type { LooseRecipe } from "../recipe/recipe.ts";
import type { DiskAdapter } from "./input/adapter-path.ts";
import { baseConfigOf, diskModel } from "./input/model-folder.ts";

/** Refuse a base model that no merge needs, so that nobody thinks that it counts. */
export function refuseIdleBase(recipes: readonly LooseRecipe[], base: string | undefined): void {
  if (base === undefined || recipes.some(({ dora }) => dora === "bake")) return;
  throw new UsageError(
    `A merge needs no base model except for --dora bake; leave --base ${base} out, or pass --dora bake too.`,
  );
}

/**
 * The adapters of a merge, in which DoRA's magnitudes are baked into plain LoRA if the recipe asks for that.
 *
 * @param base folder of the base model; without one nothing is baked
 * @throws what opening the base and baking throw
 */
export async function bakedAdapters(
  opened: readonly DiskAdapter[],
  { dora, doraRank, weights }: LooseRecipe,
  base: string | undefined,
): Promise<readonly DiskAdapter[]> {
  const wanted = opened.map(({ adapter }, t) => dora === "bake" && weights?.[t] !== 0 && isDora(adapter));
  if (base === undefined || !wanted.includes(true)) return opened;
  const folder = diskModel(base);
  try {
    const model = await openModel(folder);
    const config = baseConfigOf(folder);
    refuseWithoutConfig(model, config);
    const kernels = { rows: wasmKernels(), units: wasmKernels() };
    const bake = (adapter: Adapter) => bakeDora(kernels, adapter, model, config, doraRank ?? null);
    const baked: DiskAdapter[] = [];
    for (const [t, one] of opened.entries()) baked.push(wanted[t] ? { ...one, adapter: await bake(one.adapter) } : one);
    return baked;
  } finally {
    folder.close();
  }
}
