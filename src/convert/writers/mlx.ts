import { RefusedError } from "../../core/errors.ts";
import { maximum } from "../../core/maximum.ts";
import {
  type Conversion,
  dtypeOf,
  inSafetensors,
  type Writer,
  type WrittenTensor,
  wholeFactor,
} from "../conversion.ts";
import { refuseImageModel, refuseUncarried } from "../refuse-uncarried.ts";

/**
 * mlx-lm: lora_a (in, r) and lora_b (r, out), one rank and one scale. Modules of smaller rank get zero units; where scales differ, they
 * are folded into lora_b.
 */
export const mlxWriter: Writer = {
  id: "mlx",
  output: "folder",
  convert(adapter): Conversion {
    refuseUncarried(adapter, "MLX");
    refuseImageModel(adapter, "mlx-lm");
    const modules = [...adapter.modules.values()];
    const conv = modules.find(({ kind }) => kind === "conv");
    if (conv !== undefined) {
      throw new RefusedError(
        `${adapter.name}: ${conv.name} is a convolution, which mlx-lm does not adapt; convert it to kohya or diffusers.`,
      );
    }
    const rank = maximum(modules.map((module) => module.rank));
    const scales = new Set(modules.map(({ scale }) => scale));
    const shared = scales.size === 1 ? modules[0]!.scale : null;
    const tensors = modules.flatMap((module): WrittenTensor[] => {
      const a = { ...wholeFactor(module, "a"), units: "columns", writtenRank: rank } as const;
      const b = {
        ...wholeFactor(module, "b", shared === null ? module.scale : 1),
        units: "rows",
        writtenRank: rank,
      } as const;
      return [
        { name: `${module.name}.lora_a`, dtype: dtypeOf(a), shape: [module.in, rank], content: a },
        { name: `${module.name}.lora_b`, dtype: dtypeOf(b), shape: [rank, module.out], content: b },
      ];
    });
    return {
      weightsFile: "adapters.safetensors",
      ...inSafetensors(tensors, { format: "mlx" }),
      config: {
        file: "adapter_config.json",
        fields: configOf(
          adapter.baseModel,
          modules.map(({ name }) => name),
          rank,
          shared ?? 1,
        ),
      },
    };
  },
};

/** mlx-lm loads the layers that are counted from the last one back, and of each the modules that `keys` name; modules outside of layers by their whole path. */
function configOf(
  model: string | null,
  names: readonly string[],
  rank: number,
  scale: number,
): Record<string, unknown> {
  const layer = /^(?:.*?\.)?(?:layers|h)\.(\d+)\.(.+)$/;
  const keys = names.map((name) => layer.exec(name)?.[2] ?? name);
  return {
    fine_tune_type: "lora",
    ...(model !== null && { model }),
    // -1 stands for every layer; a layer without tensors of its own keeps a fresh LoRA, whose delta is zero.
    num_layers: -1,
    lora_parameters: { rank, scale, dropout: 0, keys: [...new Set(keys)].sort() },
  };
}
