import { isLanguageModel } from "./components.ts";

/** A module's name in a file: the part of a pipeline, and the path in it. */
export interface Spelled {
  /** denoiser, or a component as diffusers names it. */
  readonly part: string;
  /** What the name begins with; nothing for a bare path of a denoiser. */
  readonly beginning: string;
  readonly path: string;
  /** Whether dots are written as underscores. */
  readonly underscored: boolean;
}

/** How the names of a pipeline's part may begin. */
const BEGINNINGS: readonly (readonly [part: string, underscored: boolean, beginning: RegExp])[] = [
  ["denoiser", false, /^(?:unet|transformer|(?:model\.)?diffusion_model)\./],
  ["denoiser", true, /^(?:lora_unet__?(?:unet_)?|lora_transformer_|lycoris_)/],
  ["transformer_2", false, /^transformer_2\./],
  [
    "text_encoder",
    false,
    /^(?:text_encoder|text_encoders\.clip_l\.transformer|conditioner\.embedders\.0\.transformer|cond_stage_model\.(?:transformer|model))\./,
  ],
  ["text_encoder", true, /^lora_te1?_(?:text_encoder_)?/],
  [
    "text_encoder_2",
    false,
    /^(?:text_encoder_2|text_encoders\.clip_g\.transformer|conditioner\.embedders\.1\.model)\./,
  ],
  ["text_encoder_2", true, /^lora_te2_(?:text_encoder_2_)?/],
  ["text_encoder_3", false, /^(?:text_encoder_3|text_encoders\.t5xxl\.transformer)\./],
  ["text_encoder_3", true, /^lora_te3_(?:text_encoder_3_)?/],
];
/** How names of other parts begin, such as another program's text encoders. */
const OTHER = /^(?:lora_[a-z0-9]+_|(?:prior|controlnet)\.)/;

/** Take a module's name apart; null for parts of pipelines and models of other kinds. */
export function spelled(name: string): Spelled | null {
  if (isLanguageModel(name)) return null;
  for (const [part, underscored, pattern] of BEGINNINGS) {
    const beginning = pattern.exec(name)?.[0];
    if (beginning !== undefined) return { part, beginning, path: name.slice(beginning.length), underscored };
  }
  return OTHER.test(name) ? null : { part: "denoiser", beginning: "", path: name, underscored: false };
}
