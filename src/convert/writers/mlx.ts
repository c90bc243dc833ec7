import type { Adapter, AdapterModule } from "../../adapter/adapter.ts";
import { refuseMisfit } from "../../adapter/base-sizes.ts";
import type { AdapterText } from "../../adapter/dialect.ts";
import { expertOf } from "../../adapter/experts.ts";
import { MLX_MODEL_TYPES, type MlxFamily, mlxFamily, mlxName } from "../../adapter/names/mlx.ts";
import { areInTurn } from "../../adapter/weights/gate-and-up.ts";
import { isOutputDtype } from "../../core/elements.ts";
import { RefusedError, UsageError } from "../../core/errors.ts";
import { maximum } from "../../core/maximum.ts";
import { elementCount, formatShape } from "../../core/shape.ts";
import { type ModelConfig, parseModelConfig } from "../../formats/model-config.ts";
import { CONFIG_FILE } from "../../formats/peft-folder/files.ts";
import {
  type Conversion,
  copiedTensor,
  type FactorContent,
  type FormatWriter,
  inSafetensors,
  plainDtype,
  type WrittenTensor,
  wholeFactor,
} from "../conversion.ts";
import { type ExpertStack, type Stacking, stackExperts } from "../expert-stacks.ts";
import { isTiable, refuseTied } from "../refuse-tied.ts";

/** What is known about the base model. */
interface Base {
  readonly family: MlxFamily;
  readonly config: ModelConfig;
}

/** How a file's modules are written: one rank, and the multiplier of each factor B. */
interface Form {
  readonly rank: number;
  timesOf(module: AdapterModule): number;
}

/**
 * mlx-lm: lora_a (in, r) and lora_b (r, out), one rank and one scale. Modules of smaller rank get zero units; where scales differ, they
 * are folded into lora_b. Experts of a layer are stacked: lora_a (E, r, in) and lora_b (E, out, r).
 */
export const mlxWriter: FormatWriter = {
  title: "MLX",
  languageOnly: "mlx-lm",
  kinds: { linear: true, embedding: true, conv: false },
  extras: "none",
  convert(adapter, baseConfig): Conversion {
    const base = baseOf(adapter, baseConfig);
    const modules = [...adapter.modules.values()];
    if (base !== null && (base.config.tied || base.family.tied)) refuseTied(adapter.name, modules, "mlx-lm");
    const scales = new Set(modules.map(({ scale }) => scale));
    const shared = scales.size === 1 ? modules[0]!.scale : null;
    const form: Form = {
      rank: maximum(modules.map((module) => module.rank)),
      timesOf: ({ scale }) => (shared === null ? scale : 1),
    };
    const { stacks, others } = stackExperts(adapter.name, modules, stackingOf(base));
    const named = others.map((module) => [nameOf(adapter.name, base, module), module] as const);
    const magnitudes = magnitudesOf(adapter, named, stacks);
    const tensors = [
      ...magnitudes,
      ...named.flatMap(([name, module]) => written(name, module, form)),
      ...stacks.flatMap((stack) => stacked(stack, form)),
    ];
    const names = [...named.map(([name]) => name), ...stacks.map(({ name }) => name)];
    return {
      weightsFile: "adapters.safetensors",
      ...inSafetensors(tensors, { format: "mlx" }),
      config: {
        file: CONFIG_FILE,
        fields: configOf(adapter.baseModel, names, form.rank, shared ?? 1, magnitudes.length > 0),
      },
    };
  },
};

function baseOf({ name, modules }: Adapter, baseConfig: AdapterText | null): Base | null {
  if (baseConfig === null) return null;
  const config = parseModelConfig(baseConfig.text, baseConfig.where);
  const family = mlxFamily(config.wholeType);
  if (family !== null) {
    refuseMisfit(name, modules.values(), baseConfig.where, config);
    return { family, config };
  }
  throw new RefusedError(
    `${name}: lora-lego does not know what mlx-lm calls the modules of model_type ${config.wholeType} (it knows ${MLX_MODEL_TYPES.join(", ")}); without --base-config, names such as model.layers.0.self_attn.q_proj are written as they are.`,
  );
}

function stackingOf(base: Base | null): Stacking | null {
  if (base === null) return null;
  const { family, config } = base;
  return {
    program: "mlx-lm",
    models: `${config.wholeType} models`,
    experts: config.experts,
    inTurn: areInTurn(config.modelType),
    placeOf(module) {
      const place = expertOf(module);
      const projection = place === null ? undefined : family.experts?.projections[place.projection];
      const path = place === null ? null : mlxName(family, place.layer);
      if (projection === undefined || path === null) return null;
      return { stack: `${path}.${family.experts!.stack}.${projection}`, expert: place!.expert };
    },
  };
}

function nameOf(name: string, base: Base | null, module: AdapterModule): string {
  const found = base === null && isTiable(module) ? null : mlxName(base?.family ?? null, module.name);
  if (found !== null) return found;
  if (base === null) {
    throw new UsageError(
      `${name}: what mlx-lm calls ${module.name}, and whether it can adapt it, depends on the base model; pass its config.json as --base-config.`,
    );
  }
  throw new RefusedError(
    `${name}: ${module.name} is not a module that mlx-lm adapts in ${base.config.wholeType} models; leave it out with lora-lego merge --exclude ${module.name}.`,
  );
}

function written(name: string, module: AdapterModule, { rank, timesOf }: Form): WrittenTensor[] {
  const a: FactorContent = { ...wholeFactor(module, "a"), units: "columns", writtenRank: rank };
  const b: FactorContent = { ...wholeFactor(module, "b", timesOf(module)), units: "rows", writtenRank: rank };
  return [
    { name: `${name}.lora_a`, dtype: plainDtype([a]), shape: [module.in, rank], content: a },
    { name: `${name}.lora_b`, dtype: plainDtype([b]), shape: [rank, module.out], content: b },
  ];
}

function stacked({ name, experts, in: inputs, out }: ExpertStack, { rank, timesOf }: Form): WrittenTensor[] {
  const factors = (half: "a" | "b"): (FactorContent | null)[] =>
    experts.map((module) =>
      module === null ? null : { ...wholeFactor(module, half, half === "a" ? 1 : timesOf(module)), writtenRank: rank },
    );
  const tensor = (key: string, shape: number[], parts: (FactorContent | null)[]): WrittenTensor => ({
    name: `${name}.${key}`,
    dtype: plainDtype(parts.filter((part) => part !== null)),
    shape: [experts.length, ...shape],
    content: { kind: "stack", parts },
  });
  return [tensor("lora_a", [rank, inputs], factors("a")), tensor("lora_b", [out, rank], factors("b"))];
}

/**
 * DoRA's magnitudes, m (out). mlx-lm makes all modules of a file DoRA, and scales each row of W + s B A to its magnitude, as PEFT does.
 *
 * @throws RefusedError for modules without one, and for those that mlx-lm and PEFT scale in other ways
 */
function magnitudesOf(
  { name, magnitudes }: Adapter,
  named: readonly (readonly [path: string, module: AdapterModule])[],
  stacks: readonly ExpertStack[],
): WrittenTensor[] {
  if (magnitudes.size === 0) return [];
  const refuse = (module: string, why: string) =>
    new RefusedError(`${name}: ${module} ${why}; fuse the adapter into its base model instead.`);
  const [stack] = stacks;
  if (stack !== undefined) throw refuse(stack.name, "holds experts, which mlx-lm does not train by DoRA");
  return named.map(([path, module]) => {
    const tensor = magnitudes.get(module.name);
    if (tensor === undefined)
      throw refuse(module.name, "has no magnitude, but mlx-lm applies DoRA to all modules or none");
    if (module.kind !== "linear")
      throw refuse(module.name, "is no linear layer, and PEFT and mlx-lm scale only those alike");
    if (elementCount(tensor.shape) !== module.out || !isOutputDtype(tensor.dtype)) {
      throw refuse(
        module.name,
        `has the magnitude ${tensor.dtype} ${formatShape(tensor.shape)} for ${module.out} outputs`,
      );
    }
    return copiedTensor(`${path}.m`, { ...tensor, shape: [module.out] });
  });
}

/** mlx-lm adapts the last num_layers layers, and in each the modules in `keys`; modules outside the layers go by their whole path. */
function configOf(
  model: string | null,
  names: readonly string[],
  rank: number,
  scale: number,
  dora: boolean,
): Record<string, unknown> {
  const layer = /^(?:.*?\.)?(?:layers|h)\.(\d+)\.(.+)$/;
  const keys = names.map((name) => layer.exec(name)?.[2] ?? name);
  return {
    fine_tune_type: dora ? "dora" : "lora",
    ...(model !== null && { model }),
    // -1 means every layer; a layer without tensors keeps a fresh LoRA, whose delta is zero.
    num_layers: -1,
    lora_parameters: { rank, scale, dropout: 0, keys: [...new Set(keys)].sort() },
  };
}
