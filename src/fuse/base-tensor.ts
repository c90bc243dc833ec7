import type { TensorRef } from "../adapter/adapter.ts";
import { RefusedError } from "../core/errors.ts";
import type { BaseModel } from "./base-model.ts";

/** What wraps a model in some checkpoints and not in others. */
const PREFIXES = [
  "model.",
  "transformer.",
  "language_model.",
  "model.language_model.",
  "roberta.",
  "bert.",
  "distilbert.",
  "gpt_neox.",
];

/**
 * The tensor of a model that a path names, as "h.0.attn.c_attn.weight": by that name, else with one known prefix more or less, if exactly
 * one such tensor is there.
 *
 * @param wanted what messages call the owner of the path
 * @throws RefusedError when there is none, or several
 */
export function baseTensor({ name, tensors }: BaseModel, path: string, wanted: string): TensorRef {
  const exact = tensors.get(path);
  if (exact !== undefined) return exact;
  const others = PREFIXES.flatMap((prefix) => [
    `${prefix}${path}`,
    ...(path.startsWith(prefix)
      ? [path.slice(prefix.length), ...PREFIXES.map((other) => `${other}${path.slice(prefix.length)}`)]
      : []),
  ]);
  const found = [...new Set(others)].filter((candidate) => tensors.has(candidate));
  if (found.length === 1) return tensors.get(found[0]!)!;
  if (found.length > 1) {
    throw new RefusedError(
      `${wanted} may be ${found.join(" or ")} in ${name}, which is not clear; pass the base model that the adapter was trained on.`,
    );
  }
  const tied = /(^|\.)(lm_head|embed_out|output)\.weight$/.test(path)
    ? "; it may share its tensor with the input embedding, which must not be changed alone"
    : "";
  const quantized = [...tensors.keys()].find(
    (key) => key.startsWith(path.replace(/weight$/, "")) && /(qweight|absmax|quant_state|scales)/.test(key),
  );
  throw new RefusedError(
    quantized === undefined
      ? `${name} has no tensor ${path}, which ${wanted} adapts${tied}; pass the base model that the adapter was trained on.`
      : `${name} is quantized (tensor ${quantized}), and a delta cannot be added to quantized weights; pass the model before quantization.`,
  );
}
