/** How mlx-lm names the modules of models whose names in transformers differ, or that take a look at the base. */
export interface MlxFamily {
  /** model_type of the whole model's config. */
  readonly modelTypes: readonly string[];
  /** How paths start in transformers and in mlx-lm. The first that fits counts; a path that fits none has no place in mlx-lm. */
  readonly starts: readonly (readonly [transformers: string, mlx: string])[];
  /** Whether the head is the embedding whatever the config says. */
  readonly tied: boolean;
  /** Where the experts of a layer are stacked, and the names of their projections there; null where mlx-lm has none. */
  readonly experts: { readonly stack: string; readonly projections: Readonly<Record<string, string>> } | null;
}

const PLAIN_STARTS: MlxFamily["starts"] = ["model.layers.", "model.embed_tokens", "lm_head"].map((own) => [own, own]);
const family = (modelTypes: string, more: Partial<MlxFamily> = {}): MlxFamily => ({
  modelTypes: modelTypes.split(" "),
  starts: PLAIN_STARTS,
  tied: false,
  experts: null,
  ...more,
});

/** Models of several parts: for every release of transformers, mlx-lm keeps only the language model, under its old name. */
const WRAPPED_STARTS: MlxFamily["starts"] = [
  ["model.language_model.", "language_model.model."],
  ["language_model.model.", "language_model.model."],
  ["language_model.lm_head", "language_model.lm_head"],
  ["model.layers.", "language_model.model.layers."],
  ["model.embed_tokens", "language_model.model.embed_tokens"],
  ["lm_head", "language_model.lm_head"],
];

const GATED = { gate_proj: "gate_proj", up_proj: "up_proj", down_proj: "down_proj" };
const SWITCHED = { stack: "switch_mlp", projections: GATED };
const NUMBERED = { stack: "switch_mlp", projections: { w1: "gate_proj", w2: "down_proj", w3: "up_proj" } };

/** Every known family; a new one is a new entry. Facts from mlx-lm 0.32: module names, `sanitize` and `layers` of mlx_lm/models. */
const FAMILIES: readonly MlxFamily[] = [
  family("llama mistral qwen2 qwen3 gemma3_text phi phi3 starcoder2 stablelm olmo2 olmo3 granite smollm3 glm4 exaone4"),
  family("gemma gemma2 cohere cohere2", { tied: true }),
  family("qwen2_moe qwen3_moe olmoe deepseek deepseek_v2 deepseek_v3 kimi_k2 glm4_moe ernie4_5_moe", {
    experts: SWITCHED,
  }),
  family("mixtral phimoe minimax", { experts: NUMBERED }),
  family("dots1", { experts: { stack: "experts", projections: GATED } }),
  family("gemma3 gemma4 mistral3 llava pixtral qwen2_vl qwen2_5_vl qwen3_vl qwen3_5 llama4", {
    starts: WRAPPED_STARTS,
  }),
  family("gemma3n", {
    starts: [["model.language_model.", "model.language_model."]],
    tied: true,
  }),
  family("gpt2", {
    starts: [
      ["transformer.h.", "model.h."],
      ["transformer.wte", "model.wte"],
      ["transformer.wpe", "model.wpe"],
    ],
    tied: true,
  }),
  family("gpt_bigcode", { starts: ["transformer.h.", "transformer.wte", "lm_head"].map((own) => [own, own]) }),
  family("gpt_neox", {
    starts: [
      ["gpt_neox.layers.", "model.h."],
      ["gpt_neox.embed_in", "model.embed_in"],
      ["embed_out", "model.embed_out"],
    ],
  }),
];

/** The known model_types, by family. */
export const MLX_FAMILIES: readonly (readonly string[])[] = FAMILIES.map(({ modelTypes }) => modelTypes);
/** Every known model_type. */
export const MLX_MODEL_TYPES: readonly string[] = MLX_FAMILIES.flat();

/** The family of a model_type; null where it is not known. */
export function mlxFamily(modelType: string): MlxFamily | null {
  return FAMILIES.find(({ modelTypes }) => modelTypes.includes(modelType)) ?? null;
}

/** Names that mlx-lm shares across families: layers of a plain language model, and of a wrapped one under its old name. */
const SAME_ANYWHERE = /^(language_model\.)?model\.layers\.\d+\./;

/**
 * mlx-lm's name of a module.
 *
 * @param family null where it is not known: then only names that no family changes are returned
 * @returns null where mlx-lm has no such module, or where only the family would tell
 */
export function mlxName(family: MlxFamily | null, module: string): string | null {
  if (family === null) return SAME_ANYWHERE.test(module) ? module : null;
  const start = family.starts.find(([own]) => (own.endsWith(".") ? module.startsWith(own) : module === own));
  return start === undefined ? null : start[1] + module.slice(start[0].length);
}

/** How names start that only one family has in mlx-lm and that transformers spells differently, and its spelling there. */
const BACK: readonly (readonly [RegExp, string])[] = [
  [/^model\.(?=h\.\d+\.(attn|mlp)\.c_|wte$|wpe$)/, "transformer."],
  [/^model\.h\.(?=\d+\.(attention|mlp)\.)/, "gpt_neox.layers."],
  [/^model\.(?=embed_in$)/, "gpt_neox."],
  [/^model\.(?=embed_out$)/, ""],
];

/** Where mlx-lm stacks the experts of a layer, and the names of their projections in Mixtral's layers. */
const STACK = /^(.+)\.(?:switch_mlp|experts)\.((?:gate|up|down)_proj)$/;
const OF_MIXTRAL: Readonly<Record<string, string>> = { gate_proj: "w1", up_proj: "w3", down_proj: "w2" };

/** The name of each expert's module in transformers, for a stack of experts; null for other modules. */
export function expertOfMlx(path: string): ((expert: number) => string) | null {
  const match = STACK.exec(path);
  if (match === null) return null;
  const [, layer, projection] = match as unknown as [string, string, string];
  const own = layer.endsWith(".block_sparse_moe") ? OF_MIXTRAL[projection] : projection;
  return (expert) => `${layer}.experts.${expert}.${own}`;
}

/** The name that a module of mlx-lm has in transformers, as far as names alone tell; wrapped language models keep their old name. */
export function moduleOfMlx(path: string): string {
  const found = BACK.find(([start]) => start.test(path));
  return found === undefined ? path : path.replace(found[0], found[1]);
}
