/** The parts of an image model's pipeline, as diffusers names them; diffusion_model is what other code calls the denoiser. */
const COMPONENT = /^(unet|text_encoder(?:_[23])?|transformer(?:_2)?|prior|controlnet|diffusion_model)\./;
/** What follows "transformer" in the names of language models. */
const LANGUAGE_MODEL =
  /^transformer\.(?:(?:h|encoder|embedding|output_layer|wte|wpe|ln_f|word_embeddings)(?:\.|$)|layers\.\d+\.(?:attention\.(?:query_key_value|dense)|mlp)(?:\.|$)|blocks\.\d+\.(?:attn\.(?:Wqkv|out_proj)|ffn\.\w+_proj)(?:\.|$))/;
/** How a denoiser's names begin without a component: blocks that no language model has. */
const BARE_DENOISER =
  /^(?:(?:single_)?transformer_blocks|(?:double|single|joint|input|output|down|up)_blocks|(?:noise|context)_refiner)\.\d+\.|^(?:mid|middle)_block\.|^blocks\.\d+\.(?:(?:self|cross)_attn|attn[12]|ffn)\.|^layers\.\d+\.attention\.(?:qkv|out|to_(?:q|k|v|out\.0))(?:\.|$)/;
/** How names of the kohya dialect begin; after that, dots are underscores. */
const KOHYA = /^(?:lora_[a-z0-9]+|lycoris)_/;

/** Whether a name that begins like a component's belongs to a language model. */
export function isLanguageModel(module: string): boolean {
  return LANGUAGE_MODEL.test(module);
}

/** The component of an image model that a module belongs to; null for modules of other models. */
export function componentOf(module: string): string | null {
  return isLanguageModel(module) ? null : (COMPONENT.exec(module)?.[1] ?? null);
}

/** Whether a module has a name from kohya's keys, which unknown families keep. */
export function isKohyaName(module: string): boolean {
  return KOHYA.test(module);
}

/** Whether a name without a component belongs to a denoiser's module. */
export function isBareDenoiser(module: string): boolean {
  return BARE_DENOISER.test(module);
}

/** Whether modules belong to an image or video model. */
export function ofImageModel(modules: Iterable<string>): boolean {
  for (const module of modules) {
    if (componentOf(module) !== null || isKohyaName(module) || isBareDenoiser(module)) return true;
  }
  return false;
}
