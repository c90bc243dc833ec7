/** The parts of an image model's pipeline, as diffusers names them; diffusion_model is what other code calls the denoiser. */
const COMPONENT = /^(unet|text_encoder(?:_[23])?|transformer(?:_2)?|prior|controlnet|diffusion_model)\./;
/** What follows where language models call themselves transformer. */
const LANGUAGE_MODEL =
  /^transformer\.(?:(?:h|encoder|embedding|output_layer|wte|wpe|ln_f|word_embeddings)(?:\.|$)|layers\.\d+\.(?:attention\.(?:query_key_value|dense)|mlp)(?:\.|$)|blocks\.\d+\.(?:attn\.(?:Wqkv|out_proj)|ffn\.\w+_proj)(?:\.|$))/;
/** How names of denoisers begin that carry no component: blocks that no language model has. */
const BARE_DENOISER =
  /^(?:(?:single_)?transformer_blocks|(?:double|single|joint|input|output|down|up)_blocks|(?:noise|context)_refiner)\.\d+\.|^(?:mid|middle)_block\.|^blocks\.\d+\.(?:(?:self|cross)_attn|attn[12]|ffn)\.|^layers\.\d+\.attention\.(?:qkv|out|to_(?:q|k|v|out\.0))(?:\.|$)/;
/** How names of kohya's dialect begin; the dots behind are underscores. */
const KOHYA = /^(?:lora_[a-z0-9]+|lycoris)_/;

/** The component of an image model that a module belongs to; null for modules of other models. */
export function componentOf(module: string): string | null {
  return LANGUAGE_MODEL.test(module) ? null : (COMPONENT.exec(module)?.[1] ?? null);
}

/** Whether a module is named as in kohya's keys: a family that is not known keeps these names. */
export function isKohyaName(module: string): boolean {
  return KOHYA.test(module);
}

/** Whether a name without a component is that of a denoiser's module. */
export function isBareDenoiser(module: string): boolean {
  return BARE_DENOISER.test(module);
}

/** Whether modules are an image or video model's. */
export function ofImageModel(modules: Iterable<string>): boolean {
  for (const module of modules) {
    if (componentOf(module) !== null || isKohyaName(module) || isBareDenoiser(module)) return true;
  }
  return false;
}
