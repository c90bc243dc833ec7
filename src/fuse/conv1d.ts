/** Layers with these names are Conv1D in models of these types, which store weights as (in, out). */
const LAYERS = /(^|\.)(c_attn|q_attn|c_proj|c_fc)$/;
const MODEL_TYPES = ["gpt2", "openai-gpt", "imagegpt", "decision_transformer"];

/**
 * Whether a module's weight is stored as (in, out).
 *
 * @param modelType of the model's config.json; null where there is none
 */
export function isConv1d(module: string, modelType: string | null): boolean {
  return modelType !== null && MODEL_TYPES.includes(modelType) && LAYERS.test(module);
}
