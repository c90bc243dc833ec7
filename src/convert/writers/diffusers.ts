import type { Adapter, AdapterModule } from "../../adapter/adapter.ts";
import { diffusersNames, type Unnamed } from "../../adapter/names/diffusers.ts";
import type { ModulePart } from "../../adapter/names/flux.ts";
import { RefusedError } from "../../core/errors.ts";
import { factorShapes } from "../../formats/peft-folder/factors.ts";
import {
  type Conversion,
  dtypeOf,
  type FormatWriter,
  inSafetensors,
  type WrittenTensor,
  wholeFactor,
} from "../conversion.ts";

/**
 * Today's diffusers: <component>.<module>.lora_A.weight. Scales are folded into B, so that releases that read no alpha from such files
 * apply the same delta; Flux modules that hold several of diffusers' layers are split by the rows of B, with A repeated. Names of unknown
 * families stay as they are, if they come from the diffusers dialect.
 */
export const diffusersWriter: FormatWriter = {
  title: "diffusers",
  kinds: { linear: true, embedding: false, conv: true },
  factorsOnly: true,
  convert(adapter): Conversion {
    const modules = [...adapter.modules.values()];
    const names = diffusersNames(modules, adapter.format === "diffusers");
    const tensors = modules.flatMap((module) => {
      const parts = names.get(module.name)!;
      if (typeof parts === "string") throw unnamed(adapter, module, parts);
      return parts.flatMap((part) => written(part, module));
    });
    return {
      weightsFile: "pytorch_lora_weights.safetensors",
      ...inSafetensors(tensors, { format: "pt" }),
      config: null,
    };
  },
};

function written({ name, rows }: ModulePart, module: AdapterModule): WrittenTensor[] {
  const a = wholeFactor(module, "a");
  const held = rows.flatMap(([from, count]) => Array.from({ length: count }, (_, row) => from + row));
  const whole = held.length === module.out && rows.length === 1;
  const b = { ...wholeFactor(module, "b", module.scale), entries: whole ? null : Int32Array.from(held) };
  const shapes = factorShapes({ ...module, out: held.length });
  return [
    { name: `${name}.lora_A.weight`, dtype: dtypeOf(a), shape: shapes.a, content: a },
    { name: `${name}.lora_B.weight`, dtype: dtypeOf(b), shape: shapes.b, content: b },
  ];
}

function unnamed({ name }: Adapter, { name: module, out }: AdapterModule, why: Unnamed): RefusedError {
  const reasons: Readonly<Record<Unnamed, string>> = {
    kohya: `${module} has a kohya name from a family that lora-lego does not know, so its name in diffusers would be a guess; kohya and peft can hold it.`,
    language: `${module} is not a module of an image model that diffusers loads (unet., text_encoder., transformer.); convert it to peft, mlx or gguf.`,
    t5: `${module} belongs to a T5 text encoder, for which diffusers loads no LoRA; convert it to kohya, or leave such modules out with lora-lego merge --exclude.`,
    chroma: `${module} is a module of Chroma, whose names in diffusers lora-lego does not know; convert it to kohya.`,
    rows: `${module} has ${out} rows, which its layers in diffusers cannot share; check that it is a Flux adapter.`,
  };
  return new RefusedError(`${name}: ${reasons[why]}`);
}
