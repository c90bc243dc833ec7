import { RefusedError } from "../core/errors.ts";

/** Dialects that are not PEFT's, by a key that only they have. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [
    /\.(hada_w[12]_[ab]|lokr_w[12]|lokr_w[12]_[ab]|oft_blocks|oft_diag|glora_)/,
    "LyCORIS (LoHa, LoKr or OFT), which is not LoRA",
  ],
  [/^lora_(unet|te|te1|te2|transformer|prior)_.*(lora_down|lora_up)\.weight$/, "kohya / sd-scripts"],
  [/\.lora_(down|up)\.weight$/, "kohya / sd-scripts"],
  [/_lora\.(down|up)\.weight$/, "diffusers' old attention processors"],
  [/\.lora\.(down|up)\.weight$/, "diffusers"],
  [/^(unet|text_encoder|text_encoder_2|transformer)\..*\.lora_[AB]\.weight$/, "diffusers"],
  [/\.lora_[ab]$/, "MLX"],
  [/^(unet|text_encoder):\d+:(up|down)$/, "cloneofsimo's lora_diffusion"],
  [/^w_[ab]_\d{3}$/, "hand-written SAM LoRA"],
];

/**
 * Refuse, by its name, a file of another dialect than PEFT's; pass what looks like PEFT's or like nothing known.
 *
 * @param keys tensor names of the file
 */
export function refuseForeign(name: string, keys: readonly string[]): void {
  for (const [pattern, dialect] of FOREIGN) {
    const key = keys.find((candidate) => pattern.test(candidate));
    if (key === undefined) continue;
    throw new RefusedError(
      `${name} is in the format of ${dialect} (tensor ${key}), which lora-lego does not read yet; pass a PEFT adapter.`,
    );
  }
}
