/** Names that are only an index into some code's list of layers, as in lora_diffusion and SAM adapters. */
const NUMBERED = /^(?:(unet|text_encoder):|(w)_(?=\d{3}))\d+$/;

/** The list that a module's name is an index into, such as "unet" of unet:12; null for names of modules. */
export function numberedList(module: string): string | null {
  const match = NUMBERED.exec(module);
  return match?.[1] ?? match?.[2] ?? null;
}
