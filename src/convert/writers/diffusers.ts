import { factorShapes } from "../../formats/peft-folder/factors.ts";
import {
  type Conversion,
  dtypeOf,
  type FormatWriter,
  inSafetensors,
  type WrittenTensor,
  wholeFactor,
} from "../conversion.ts";
import { type DiffusersModule, modulesInDiffusers } from "../diffusers-modules.ts";

/**
 * Today's diffusers: <component>.<module>.lora_A.weight. Scales are folded into B, so that releases that read no alpha from such files
 * apply the same delta.
 */
export const diffusersWriter: FormatWriter = {
  title: "diffusers",
  languageOnly: null,
  kinds: { linear: true, embedding: false, conv: true },
  extras: "none",
  convert(adapter): Conversion {
    const tensors = modulesInDiffusers(adapter).flatMap(written);
    const said = [...adapter.metadata].filter(([key]) => !OF_THE_FILE.test(key));
    return {
      weightsFile: "pytorch_lora_weights.safetensors",
      ...inSafetensors(tensors, { ...Object.fromEntries(said), format: "pt" }),
      config: null,
    };
  },
};

/** Metadata that describe the bytes, or kohya's keys. */
const OF_THE_FILE = /^(sshs_|modelspec\.hash|ss_network_)/;

function written({ name, module }: DiffusersModule): WrittenTensor[] {
  const a = wholeFactor(module, "a");
  const b = wholeFactor(module, "b", module.scale);
  const shapes = factorShapes(module);
  return [
    { name: `${name}.lora_A.weight`, dtype: dtypeOf(a), shape: shapes.a, content: a },
    { name: `${name}.lora_B.weight`, dtype: dtypeOf(b), shape: shapes.b, content: b },
  ];
}
