/** The parts of an image model's pipeline, as diffusers names them; diffusion_model is what other code calls the denoiser. */
const COMPONENT = /^(unet|text_encoder(?:_[23])?|transformer(?:_2)?|prior|controlnet|diffusion_model)\./;
/** What follows where language models call themselves transformer. */
const LANGUAGE_MODEL =
  /^transformer\.(h|layers|encoder|embedding|output_layer|wte|wpe|ln_f|word_embeddings|blocks\.\d+\.(attn\.(Wqkv|out_proj)|ffn))(\.|$)/;

/** The component of an image model that a module belongs to; null for modules of other models. */
export function componentOf(module: string): string | null {
  return LANGUAGE_MODEL.test(module) ? null : (COMPONENT.exec(module)?.[1] ?? null);
}
