import type { Adapter, AdapterModule } from "../../adapter/adapter.ts";
import { refuseMisfit } from "../../adapter/base-sizes.ts";
import type { AdapterText } from "../../adapter/dialect.ts";
import { expertOf } from "../../adapter/experts.ts";
import { ggufExpert, ggufFamilyOf, ggufName, ggufStack } from "../../adapter/names/gguf.ts";
import { GGUF_FAMILIES, type GgufFamily } from "../../adapter/names/gguf-families.ts";
import { headOrder } from "../../adapter/names/head-rows.ts";
import { areInTurn } from "../../adapter/weights/gate-and-up.ts";
import { inParameters } from "../../adapter/weights/in-parameters.ts";
import { RefusedError, UsageError } from "../../core/errors.ts";
import { forKind } from "../../core/module-kind.ts";
import { type GgufTensorSpec, layoutGguf } from "../../formats/gguf/layout.ts";
import { INVOCATION_KEY } from "../../formats/gguf/types.ts";
import { type ModelConfig, parseModelConfig } from "../../formats/model-config.ts";
import { RECIPE_KEY } from "../../formats/recipe-key.ts";
import {
  type Conversion,
  type FactorContent,
  type FormatWriter,
  plainDtype,
  type WrittenTensor,
  wholeFactor,
} from "../conversion.ts";
import { type ExpertStack, type Stacking, stackExperts } from "../expert-stacks.ts";
import { refuseTied } from "../refuse-tied.ts";

/** The form of GGUF names, which modules keep where an adapter was read without its base's config. */
const OWN_NAME = /^(blk\.\d+\.[a-z_.]+|token_embd|output)$/;

/**
 * llama.cpp: <base tensor>.lora_a (r, in) and .lora_b (out, r), with rows of queries and keys permuted where the family does so. A file
 * has one alpha, and the scale is alpha / r of each module; where these differ, scales are folded into lora_b.
 */
export const ggufWriter: FormatWriter = {
  title: "GGUF",
  languageOnly: "llama.cpp",
  kinds: { linear: true, embedding: true, conv: false },
  extras: "none",
  convert(adapter, baseConfig): Conversion {
    const { family, config } = familyOf(adapter, baseConfig);
    const modules = named(adapter, family, config);
    refuseUnadapted(adapter.name, family, modules);
    if (config.tied) refuseTied(adapter.name, modules, "llama.cpp");
    refuseMisfit(adapter.name, modules, baseConfig!.where, config);
    const { stacks, others } = stackExperts(adapter.name, modules, stackingOf(family, config));
    const alpha = commonAlpha([
      ...others,
      ...stacks.flatMap(({ experts, rank }) => experts.flatMap((one) => (one === null ? [] : [{ ...one, rank }]))),
    ]);
    const { invocationTokens } = adapter;
    const recipe = adapter.metadata.get(RECIPE_KEY);
    const tensors = [
      ...others.flatMap((module) => written(adapter.name, family, config, module, alpha === null)),
      ...stacks.flatMap((stack) => stacked(stack, alpha === null)),
    ];
    const layout = layoutGguf(
      [
        ["general.architecture", family.architecture],
        ["general.type", "adapter"],
        ["adapter.type", "lora"],
        ["adapter.lora.alpha", alpha ?? 0],
        ...(invocationTokens.length === 0 ? [] : ([[INVOCATION_KEY, { uint32s: invocationTokens }]] as const)),
        ...(recipe === undefined ? [] : ([[RECIPE_KEY, recipe]] as const)),
      ],
      tensors,
    );
    return { weightsFile: "adapter.gguf", tensors, layout, config: null };
  },
};

function familyOf(adapter: Adapter, baseConfig: AdapterText | null): { family: GgufFamily; config: ModelConfig } {
  if (baseConfig === null) {
    throw new UsageError(
      "GGUF names and rows depend on the base model; pass its config.json as --base-config, such as --base-config BASE/config.json.",
    );
  }
  const config = parseModelConfig(baseConfig.text, baseConfig.where);
  const family = ggufFamilyOf(config);
  if (family !== null) return { family, config };
  const known = [...new Set(GGUF_FAMILIES.flatMap(({ modelTypes }) => modelTypes))].join(", ");
  throw new RefusedError(
    `${adapter.name}: lora-lego does not know what llama.cpp calls the modules of model_type ${config.modelType} (it knows ${known}); use llama.cpp's convert_lora_to_gguf.`,
  );
}

/** The adapter's modules, with gate and up of each expert as one where llama.cpp has them so. */
function named(adapter: Adapter, { experts }: GgufFamily, config: ModelConfig): AdapterModule[] {
  const modules = [...adapter.modules.values()];
  if (experts?.gateUpAlone !== true) return modules;
  return [...inParameters(adapter.name, modules, config.experts ?? 0, areInTurn(config.modelType)).values()];
}

/** Refuse modules that llama.cpp has, and applies no LoRA to, or not the adapter's. */
function refuseUnadapted(name: string, { experts }: GgufFamily, modules: readonly AdapterModule[]): void {
  for (const { name: module } of modules) {
    const [why, pattern] = module.endsWith(".kv_b_proj")
      ? [`splits ${module} by heads into attn_k_b and attn_v_b, and applies no LoRA to either`, "kv_b_proj"]
      : experts?.gateUpAlone === true && expertOf(module)?.projection === "down_proj"
        ? [
            `scales ${module} by the router's per_expert_scale, and would add a LoRA without it`,
            "'experts.*.down_proj'",
          ]
        : [null];
    if (why === null) continue;
    throw new RefusedError(
      `${name}: llama.cpp ${why}; leave it out with lora-lego merge --exclude ${pattern}, or fuse the adapter into its base with lora-lego fuse and convert that model.`,
    );
  }
}

function stackingOf(family: GgufFamily, config: ModelConfig): Stacking {
  return {
    program: "llama.cpp",
    models: `${family.architecture} models`,
    experts: config.experts,
    inTurn: areInTurn(config.modelType),
    placeOf: (module) => ggufExpert(module) ?? ggufStack(family, module),
  };
}

/** The alpha that gives every module its scale, or null where scales must be folded in: llama.cpp takes 0 for a scale of 1. */
function commonAlpha(modules: readonly Pick<AdapterModule, "scale" | "rank">[]): number | null {
  const alphas = new Set(modules.map(({ scale, rank }) => Math.fround(scale * rank)));
  const [only] = alphas;
  return alphas.size === 1 && only !== 0 ? only! : null;
}

function written(
  name: string,
  family: GgufFamily,
  config: ModelConfig,
  module: AdapterModule,
  folded: boolean,
): (WrittenTensor & GgufTensorSpec)[] {
  const lookedUp = forKind(module.kind, { linear: false, embedding: true, conv: false });
  const own = OWN_NAME.test(module.name);
  const stem = own ? module.name : ggufName(family, module.name);
  if (stem === null || (lookedUp && stem !== "token_embd")) {
    throw new RefusedError(
      `${name}: ${module.name} is not a module that llama.cpp adapts in ${family.architecture} models; leave it out with lora-lego merge --exclude.`,
    );
  }
  const a: FactorContent = { ...wholeFactor(module, "a"), units: lookedUp ? "columns" : "rows" };
  const entries = own ? null : headOrder(family, config, stem, module.out, `${name}: ${module.name}`);
  const b: FactorContent = { ...wholeFactor(module, "b", folded ? module.scale : 1), entries };
  return [
    {
      name: `${stem}.weight.lora_a`,
      dtype: plainDtype([a]),
      shape: lookedUp ? [module.in, module.rank] : [module.rank, module.in],
      content: a,
    },
    { name: `${stem}.weight.lora_b`, dtype: plainDtype([b]), shape: [module.out, module.rank], content: b },
  ];
}

/** The experts of one projection: lora_a (E, r, in) and lora_b (E, out, r); zeros for those without a LoRA. */
function stacked(
  { name, experts, in: inputs, out, rank }: ExpertStack,
  folded: boolean,
): (WrittenTensor & GgufTensorSpec)[] {
  const tensor = (half: "a" | "b", shape: number[]): WrittenTensor & GgufTensorSpec => {
    const parts = experts.map((one) =>
      one === null ? null : { ...wholeFactor(one, half, folded && half === "b" ? one.scale : 1), writtenRank: rank },
    );
    const dtype = plainDtype(parts.filter((part) => part !== null));
    return {
      name: `${name}.weight.lora_${half}`,
      dtype,
      shape: [experts.length, ...shape],
      content: { kind: "stack", parts },
    };
  };
  return [tensor("a", [rank, inputs]), tensor("b", [out, rank])];
}
