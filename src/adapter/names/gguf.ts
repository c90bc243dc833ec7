import { RefusedError } from "../../core/errors.ts";

/** What one family of language models calls its modules in Hugging Face's code and in GGUF files. */
export interface GgufFamily {
  /** general.architecture. */
  readonly architecture: string;
  /** The model_types that belong to it. */
  readonly modelTypes: readonly string[];
  /** The path before a layer's number. */
  readonly layers: string;
  /** Names after a layer's number, to those after blk.<number>. */
  readonly modules: Readonly<Record<string, string>>;
  /** Names outside the layers. */
  readonly around: Readonly<Record<string, string>>;
  /** GGUF names whose rows are permuted per head, and by which heads: those of queries, or of keys and values. */
  readonly permuted: Readonly<Record<string, "heads" | "keyValueHeads">>;
}

const LLAMA_AROUND = { "model.embed_tokens": "token_embd", lm_head: "output" };
/** For families without an output matrix of their own. */
const TIED_AROUND = { "model.embed_tokens": "token_embd" };
const FEED_FORWARD = { "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down" };
const SPLIT = {
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.o_proj": "attn_output",
  ...FEED_FORWARD,
};

/** A family with Llama's module names and no permutation. */
const alike = (architecture: string, ...modelTypes: string[]): GgufFamily => ({
  architecture,
  modelTypes: [architecture, ...modelTypes],
  layers: "model.layers",
  modules: SPLIT,
  around: LLAMA_AROUND,
  permuted: {},
});

/** Every known family; a new one is a new entry. Facts from llama.cpp's convert_hf_to_gguf and gguf's tensor_mapping. */
export const GGUF_FAMILIES: readonly GgufFamily[] = [
  { ...alike("llama", "mistral"), permuted: { attn_q: "heads", attn_k: "keyValueHeads" } },
  alike("qwen2"),
  alike("qwen3"),
  { ...alike("gemma"), around: TIED_AROUND },
  { ...alike("gemma2"), around: TIED_AROUND },
  alike("gemma3", "gemma3_text"),
  {
    ...alike("phi3"),
    modules: {
      "self_attn.qkv_proj": "attn_qkv",
      "self_attn.o_proj": "attn_output",
      "mlp.gate_up_proj": "ffn_up",
      "mlp.down_proj": "ffn_down",
    },
  },
  {
    architecture: "gpt2",
    modelTypes: ["gpt2"],
    layers: "transformer.h",
    modules: {
      "attn.c_attn": "attn_qkv",
      "attn.c_proj": "attn_output",
      "mlp.c_fc": "ffn_up",
      "mlp.c_proj": "ffn_down",
    },
    around: { "transformer.wte": "token_embd", "transformer.wpe": "position_embd", lm_head: "output" },
    permuted: {},
  },
];

/** What wraps the language model in multimodal models; llama.cpp drops it. */
const WRAPPERS = /^(?:model\.)?language_model\./;

/** What a module's name in llama.cpp looks like. */
const GGUF_NAME = /^blk\.\d+\.|^(token_embd|output|position_embd)$/;

/** Whether a module's name is llama.cpp's. */
export function isGgufName(module: string): boolean {
  return GGUF_NAME.test(module);
}

/**
 * Refuse to make a PEFT adapter of modules that have llama.cpp's names, which mean nothing to other programs, and may have llama.cpp's order
 * of rows.
 *
 * @param who what messages call the adapter, or the adapters
 */
export function refuseGgufNames(who: string, modules: Iterable<string>): void {
  for (const module of modules) {
    if (!isGgufName(module)) continue;
    throw new RefusedError(
      `${who}: ${module} is llama.cpp's name of a module, and only the base model's config.json says what other programs call it and how they order its rows; pass that file as --base-config.`,
    );
  }
}

/** The GGUF name of a module, such as blk.3.attn_q; null where the family has no such module. */
export function ggufName(family: GgufFamily, module: string): string | null {
  const own = WRAPPERS.test(module) ? `model.${module.replace(WRAPPERS, "").replace(/^model\./, "")}` : module;
  const around = family.around[own] ?? family.around[own.replace(/^model\.(?=lm_head$)/, "")];
  if (around !== undefined) return around;
  if (!own.startsWith(`${family.layers}.`)) return null;
  const match = /^(\d+)\.(.+)$/.exec(own.slice(family.layers.length + 1));
  const name = match === null ? undefined : family.modules[match[2]!];
  return name === undefined ? null : `blk.${match![1]}.${name}`;
}

/** Hugging Face's name for a GGUF name; null where the family has no such module. */
export function moduleOfGguf(family: GgufFamily, name: string): string | null {
  const find = (names: Readonly<Record<string, string>>, wanted: string): string | undefined =>
    Object.keys(names).find((key) => names[key] === wanted);
  const around = find(family.around, name);
  if (around !== undefined) return around;
  const match = /^blk\.(\d+)\.(.+)$/.exec(name);
  const module = match === null ? undefined : find(family.modules, match[2]!);
  return module === undefined ? null : `${family.layers}.${match![1]}.${module}`;
}

/** Which heads permute the rows of a GGUF name; null where they are in order. */
export function permutedBy(family: GgufFamily, name: string): "heads" | "keyValueHeads" | null {
  return family.permuted[name.replace(/^blk\.\d+\./, "")] ?? null;
}
