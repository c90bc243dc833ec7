import { PEFT_PREFIX } from "../../formats/peft-folder/keys.ts";

/** Names that are only an index into some code's list of layers, as in lora_diffusion and SAM adapters. */
const NUMBERED = /^(?:(unet|text_encoder):|(w)_(?=\d{3}))\d+$/;

/** The list that a module's name is an index into, such as "unet" of unet:12; null for names of modules. */
export function numberedList(module: string): string | null {
  const match = NUMBERED.exec(module);
  return match?.[1] ?? match?.[2] ?? null;
}

/** How to rename the tensors of a result for the code that trained adapters with such a module, as the end of a sentence. */
export function renamedForTrainer(module: string): string {
  const own = module.startsWith("w_") ? module.replace("w_", "w_a_") : `${module}:down`;
  return `rename its tensors for that code (${PEFT_PREFIX}${module}.lora_A.weight to ${own}, and so on)`;
}
