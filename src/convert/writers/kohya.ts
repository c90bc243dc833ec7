import type { AdapterModule } from "../../adapter/adapter.ts";
import { kohyaName, moduleOfKohya, PATHS_METADATA } from "../../adapter/names/kohya.ts";
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

/** kohya's sd-scripts: one file, an alpha per module. */
export const kohyaWriter: Writer = {
  id: "kohya",
  output: ".safetensors",
  convert(adapter): Conversion {
    refuseUncarried(adapter, "kohya");
    const modules = [...adapter.modules.values()];
    const twoEncoders = modules.some(({ name }) => name.startsWith("text_encoder_2."));
    const names = new Map<string, string>();
    const tensors = modules.flatMap((module) => {
      const stem = kohyaName(module.name, twoEncoders);
      const twin = names.get(stem);
      if (twin !== undefined) {
        throw new RefusedError(
          `${adapter.name}: ${twin} and ${module.name} would both be called ${stem} in kohya's dialect; convert them to another format.`,
        );
      }
      names.set(stem, module.name);
      return written(stem, module);
    });
    return { weightsFile: "adapter.safetensors", ...inSafetensors(tensors, metadataOf(modules, names)), config: null };
  },
};

function written(stem: string, module: AdapterModule): WrittenTensor[] {
  // Readers take alpha 0 for the rank, so a scale of 0 is folded in.
  const silent = module.scale === 0;
  const a = wholeFactor(module, "a");
  const b = wholeFactor(module, "b", silent ? 0 : 1);
  const alpha = silent ? module.rank : module.scale * module.rank;
  const ones = module.inputShape.slice(1).fill(1);
  return [
    { name: `${stem}.lora_down.weight`, dtype: dtypeOf(a), shape: [module.rank, ...module.inputShape], content: a },
    { name: `${stem}.lora_up.weight`, dtype: dtypeOf(b), shape: [module.out, module.rank, ...ones], content: b },
    {
      name: `${stem}.alpha`,
      dtype: "F32",
      shape: [],
      content: { kind: "bytes", bytes: new Uint8Array(Float32Array.of(alpha).buffer) },
    },
  ];
}

function metadataOf(modules: readonly AdapterModule[], names: ReadonlyMap<string, string>): Record<string, string> {
  const lost = [...names].filter(([stem, path]) => moduleOfKohya(stem) !== path);
  const only = (values: readonly number[]): string => {
    const distinct = new Set(values);
    return distinct.size === 1 ? String(values[0]) : "Dynamic";
  };
  return {
    ss_network_alpha: only(modules.map(({ rank, scale }) => rank * scale)),
    ss_network_dim: only(modules.map(({ rank }) => rank)),
    ss_network_module: "networks.lora",
    ...(lost.length > 0 && { [PATHS_METADATA]: JSON.stringify(Object.fromEntries(lost)) }),
  };
}
