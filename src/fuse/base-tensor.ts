import type { TensorRef } from "../adapter/adapter.ts";
import { storedNames } from "../adapter/names/stored-names.ts";
import { RefusedError } from "../core/errors.ts";
import type { BaseModel } from "./base-model.ts";

/** The tensors of a model that a path such as "h.0.attn.c_attn.weight" may mean; several where the names leave it open. */
export function findTensors({ tensors }: BaseModel, path: string): TensorRef[] {
  return storedNames(tensors, path).map((name) => tensors.get(name)!);
}

/**
 * The tensor of a model that a path names.
 *
 * @param wanted what messages call the owner of the path
 * @throws RefusedError when there is none, or several
 */
export function baseTensor(base: BaseModel, path: string, wanted: string): TensorRef {
  const [found, ...more] = findTensors(base, path);
  if (found === undefined) throw missing(base, path, wanted);
  if (more.length === 0) return found;
  const names = [found, ...more].map(({ name }) => name);
  throw new RefusedError(
    `${wanted} may be ${names.join(" or ")} in ${base.name}, and nothing says which; pass the base model that the adapter was trained on.`,
  );
}

/** Why a path has no tensor, as far as the base's names show, and what to do. */
function missing({ name, tensors }: BaseModel, path: string, wanted: string): RefusedError {
  const keys = [...tensors.keys()];
  const stem = path.replace(/(weight|bias)$/, "");
  const quantized = keys.find((key) => key.startsWith(stem) && /(qweight|absmax|quant_state|scales)/.test(key));
  if (quantized !== undefined) {
    return new RefusedError(
      `${name} is quantized (tensor ${quantized}), and a delta cannot be added to quantized weights; pass the model before quantization.`,
    );
  }
  const lacks = `${name} has no tensor ${path}, which ${wanted} adapts`;
  const experts = /^(?:.*\.)?experts\./.exec(path)?.[0];
  const together =
    experts === undefined ? undefined : keys.find((key) => key.includes(experts.replace(/^model\./, "")));
  if (together !== undefined && tensors.get(together)!.shape.length === 3) {
    return new RefusedError(
      `${lacks}: it holds the experts of a layer in one tensor (${together}), and lora-lego does not know which part of it this is; pass the model as transformers 4 saved it, with one tensor per expert.`,
    );
  }
  if (keys.some((key) => key.startsWith("model.diffusion_model."))) {
    return new RefusedError(
      `${lacks}: it is a checkpoint in its original layout (model.diffusion_model.); save it as a diffusers pipeline (from_single_file, save_pretrained) and pass that pipeline's folder unet or transformer.`,
    );
  }
  if (/(^|\.)(score|classifier|qa_outputs|pooler|classification_head)\./.test(path)) {
    return new RefusedError(
      `${lacks}: it was saved without that head; load it with the class that the adapter was trained with (such as AutoModelForSequenceClassification, with its number of labels), save it, and pass that.`,
    );
  }
  return new RefusedError(`${lacks}; pass the base model that the adapter was trained on.`);
}
