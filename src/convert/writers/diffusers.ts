import type { AdapterModule } from "../../adapter/adapter.ts";
import { diffusersParts } from "../../adapter/names/diffusers.ts";
import { RefusedError } from "../../core/errors.ts";
import {
  type Conversion,
  dtypeOf,
  inSafetensors,
  type Writer,
  type WrittenTensor,
  wholeFactor,
} from "../conversion.ts";
import { refuseUncarried } from "../refuse-uncarried.ts";

/**
 * diffusers of today: <component>.<module>.lora_A.weight. Scales are folded into B, so that releases that read no alpha from such files
 * apply the same delta; Flux modules that hold several of diffusers' layers are split by the rows of B, A repeated.
 */
export const diffusersWriter: Writer = {
  id: "diffusers",
  output: "folder",
  convert(adapter): Conversion {
    refuseUncarried(adapter, "diffusers");
    const tensors = [...adapter.modules.values()].flatMap((module) => {
      const parts = diffusersParts(module.name, module.out);
      if (parts === null) {
        throw new RefusedError(
          `${adapter.name}: ${module.name} is no module of an image model that diffusers loads (unet., text_encoder., transformer.); convert it to peft, mlx or gguf.`,
        );
      }
      return parts.flatMap(({ name, from, count }) => written(name, module, from, count));
    });
    return {
      weightsFile: "pytorch_lora_weights.safetensors",
      ...inSafetensors(tensors, { format: "pt" }),
      config: null,
    };
  },
};

function written(name: string, module: AdapterModule, from: number, count: number): WrittenTensor[] {
  const a = wholeFactor(module, "a");
  const entries = count === module.out ? null : Int32Array.from({ length: count }, (_, x) => from + x);
  const b = { ...wholeFactor(module, "b", module.scale), entries };
  const ones = module.inputShape.slice(1).fill(1);
  return [
    { name: `${name}.lora_A.weight`, dtype: dtypeOf(a), shape: [module.rank, ...module.inputShape], content: a },
    { name: `${name}.lora_B.weight`, dtype: dtypeOf(b), shape: [count, module.rank, ...ones], content: b },
  ];
}
