import type { Adapter } from "../adapter/adapter.ts";
import { ofImageModel } from "../adapter/names/components.ts";
import { RefusedError } from "../core/errors.ts";

/** Names that are a place in some code's list of layers, as lora_diffusion and SAM adapters have. */
const NUMBERED = /^(?:(?:unet|text_encoder):\d+|w_\d{3,})$/;

/** Refuse what a format of factors and scales has no place for: tensors beside the factors, and modules that have numbers for names. */
export function refuseUncarried({ name, extras, modules }: Adapter, format: string): void {
  const [extra] = extras.keys();
  if (extra !== undefined) {
    throw new RefusedError(
      `${name} holds ${extras.size === 1 ? "a tensor" : `${extras.size} tensors`} beside its factors (as ${extra}), which ${format} files cannot carry; pass --extras drop if the task does not need them.`,
    );
  }
  const numbered = [...modules.keys()].find((module) => NUMBERED.test(module));
  if (numbered !== undefined) {
    throw new RefusedError(
      `${name} numbers its modules (as ${numbered}) instead of naming them, so ${format} files cannot say where they belong; its own format or peft can hold it.`,
    );
  }
}

/** Refuse adapters of image and video models where a program runs language models alone. */
export function refuseImageModel({ name, modules }: Adapter, program: string): void {
  if (!ofImageModel(modules.keys())) return;
  const [module] = modules.keys();
  throw new RefusedError(
    `${name} adapts an image or video model (as ${module}), but ${program} runs language models; convert it to kohya or diffusers.`,
  );
}

/** Refuse scales whose alpha no format can say: all have it in f32, or multiply in f32. */
export function refuseExtremeScales({ name, modules }: Adapter): void {
  for (const { name: module, scale, rank } of modules.values()) {
    if (Number.isFinite(Math.fround(scale * rank))) continue;
    throw new RefusedError(
      `${name}: ${module} has the scale ${scale}, whose alpha (${scale * rank}) is beyond f32; correct lora_alpha in its config.`,
    );
  }
}
