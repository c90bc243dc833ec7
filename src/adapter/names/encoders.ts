/** Layers of encoders, and of the decoders beside them, as transformers numbers them: BERT's, DistilBERT's, T5's, BART's. */
const ENCODER_LAYER =
  /(?:^|\.)(?:encoder\.(?:layers?|blocks?|albert_layer_groups)|distilbert\.transformer\.layer)\.\d+\./;
const DECODER_LAYER = /(?:^|\.)decoder\.(?:layers|block)\.\d+\./;

/** Whether modules are those of an encoder, or of an encoder with a decoder, and of no language model that generates by itself. */
export function ofEncoder(modules: Iterable<string>): boolean {
  const layers = [...modules].filter((name) => /\.\d+\./.test(name));
  const known = layers.every((name) => ENCODER_LAYER.test(name) || DECODER_LAYER.test(name));
  return known && layers.some((name) => ENCODER_LAYER.test(name));
}
