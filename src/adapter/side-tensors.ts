/**
 * What trainers of image models save besides the factors: differences of whole tensors (norms, biases), tensors to be set, embeddings of
 * trained tokens. They are extras, not part of any module's delta.
 */
const SIDE = /\.(diff|diff_b|diff_m|w_norm|b_norm|set_weight|reshape_weight|(query|key)_norm\.scale)$|^bundle_emb\./;

/** Whether a key of an image model's dialect belongs to such a tensor. */
export function isSideTensor(key: string): boolean {
  return SIDE.test(key);
}
