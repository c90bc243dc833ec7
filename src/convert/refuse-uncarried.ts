import type { Adapter } from "../adapter/adapter.ts";
import { isKohyaName, ofImageModel } from "../adapter/names/components.ts";
import { numberedList, renamedForTrainer } from "../adapter/names/numbered.ts";
import { isSideTensor } from "../adapter/side-tensors.ts";
import { RefusedError } from "../core/errors.ts";

/**
 * Refuse what a format of factors and scales cannot hold: tensors besides the factors, and modules with numbers for names.
 *
 * @param carried what it holds besides the factors after all
 */
export function refuseUncarried(adapter: Adapter, format: string, carried: "side-tensors" | "none"): void {
  const { name, extras, modules } = adapter;
  const left = [...extras.keys()].filter((key) => carried === "none" || !isCarried(adapter, key));
  const [extra] = left;
  if (extra !== undefined) {
    throw new RefusedError(
      `${name} holds ${left.length === 1 ? "a tensor" : `${left.length} tensors`} besides its factors (such as ${extra}), which ${format} files cannot carry; pass --extras drop if the task does not need them.`,
    );
  }
  const numbered = [...modules.keys()].find((module) => numberedList(module) !== null);
  if (numbered !== undefined) {
    throw new RefusedError(
      `${name} numbers its modules (such as ${numbered}) instead of naming them, so ${format} files cannot say where they belong; merge it into a folder, which no program loads as it is, and ${renamedForTrainer(numbered)}.`,
    );
  }
}

/** Whether a file in kohya's names may hold a tensor under the name that it has: readers of such files know it, or ComfyUI does. */
function isCarried({ format }: Adapter, key: string): boolean {
  // The size of a padded weight belongs to the factors, whose names may change.
  if (!isSideTensor(key) || key.endsWith(".reshape_weight")) return false;
  return format === "kohya" || isKohyaName(key) || /^(diffusion_model|bundle_emb)\./.test(key);
}

/** Refuse adapters of image and video models where a program runs only language models. */
export function refuseImageModel({ name, modules }: Adapter, program: string): void {
  if (!ofImageModel(modules.keys())) return;
  const [module] = modules.keys();
  throw new RefusedError(
    `${name} adapts an image or video model (such as ${module}), but ${program} runs only language models; convert it to kohya or diffusers.`,
  );
}

/** Refuse scales whose alpha no format can store: all have it in f32, or multiply in f32. */
export function refuseExtremeScales({ name, modules }: Adapter): void {
  for (const { name: module, scale, rank } of modules.values()) {
    if (Number.isFinite(Math.fround(scale * rank))) continue;
    throw new RefusedError(
      `${name}: ${module} has the scale ${scale}, whose alpha (${scale * rank}) is beyond f32; correct lora_alpha in its config.`,
    );
  }
}
