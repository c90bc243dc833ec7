/**
 * What trainers of image models save beside the factors: differences of whole tensors (norms, biases), tensors to be set, embeddings of
 * trained tokens. They are extras: no part of any module's delta.
 */
const SIDE = /\.(diff|diff_b|diff_m|w_norm|b_norm|set_weight|reshape_weight|(query|key)_norm\.scale)$|^bundle_emb\./;

/** Whether a key is that of a tensor beside the factors, in the dialects of image models. */
export function isSideTensor(key: string): boolean {
  return SIDE.test(key);
}
