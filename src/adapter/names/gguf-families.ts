import { PROJECTIONS } from "../experts.ts";

/** Whose rows llama.cpp puts in another order: queries by head, keys by their heads, or queries, keys and values that share one matrix. */
export type RowOrder = "heads" | "keyValueHeads" | "fused";

/** What one family of language models calls its modules in Hugging Face's code and in GGUF files. */
export interface GgufFamily {
  /** general.architecture. */
  readonly architecture: string;
  /** The model_types that belong to it. */
  readonly modelTypes: readonly string[];
  /** The model_types of whole models that it is limited to, where their language model alone belongs to another family. */
  readonly wholeTypes?: readonly string[];
  /** The path before a layer's number. */
  readonly layers: string;
  /** Names after a layer's number, to those after blk.<number>. */
  readonly modules: Readonly<Record<string, string>>;
  /** How Hugging Face's code names experts, which llama.cpp stacks; absent for families without, and those that it keeps in other forms. */
  readonly experts?: {
    /** Paths in a layer before "experts": the one of checkpoints first; empty where nothing is between. */
    readonly paths: readonly string[];
    readonly projections: (typeof PROJECTIONS)[number];
    /** Whether models have them as parameters of all experts alone, gate and up as one. */
    readonly whole?: true;
    /**
     * Whether llama.cpp keeps gate and up as one tensor, gate's rows first, and scales each expert's down by what the router holds before
     * it adds LoRA, so that it would apply one of down without that scale.
     */
    readonly gateUpAlone?: true;
  };
  /** Names outside the layers. */
  readonly around: Readonly<Record<string, string>>;
  /** GGUF names whose rows have another order. */
  readonly reordered: Readonly<Record<string, RowOrder>>;
}

const LLAMA_AROUND = { "model.embed_tokens": "token_embd", lm_head: "output" };
/** For families without an output matrix of their own. */
const TIED_AROUND = { "model.embed_tokens": "token_embd" };
const FEED_FORWARD = { "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down" };
const FUSED_FEED_FORWARD = { "mlp.gate_up_proj": "ffn_up", "mlp.down_proj": "ffn_down" };
const ATTENTION = {
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.o_proj": "attn_output",
};
const SPLIT = { ...ATTENTION, ...FEED_FORWARD };
/** The rows of families whose rotary halves lie side by side in Hugging Face's code. */
const INTERLEAVED = { attn_q: "heads", attn_k: "keyValueHeads" } as const;
const [NUMBERED, GATED] = PROJECTIONS;
const EXPERTS = { paths: ["mlp"], projections: GATED };
const PER_LAYER = { per_layer_input_gate: "inp_gate", per_layer_projection: "proj" };

/** An expert that every token passes. @param path such as mlp.shared_expert */
const sharedExpert = (path: string): Readonly<Record<string, string>> => ({
  [`${path}.gate_proj`]: "ffn_gate_shexp",
  [`${path}.up_proj`]: "ffn_up_shexp",
  [`${path}.down_proj`]: "ffn_down_shexp",
});

/** A family with Llama's module names and no other order of rows. @param modelTypes like the architecture if none is given */
const alike = (architecture: string, ...modelTypes: string[]): GgufFamily => ({
  architecture,
  modelTypes: modelTypes.length === 0 ? [architecture] : modelTypes,
  layers: "model.layers",
  modules: SPLIT,
  around: LLAMA_AROUND,
  reordered: {},
});

/** A family of the layers that GPT-2's descendants have. */
const transformerH = (
  architecture: string,
  embedding: string,
  modules: GgufFamily["modules"],
  reordered: GgufFamily["reordered"] = {},
): GgufFamily => ({
  architecture,
  modelTypes: [architecture],
  layers: "transformer.h",
  modules,
  around: { [`transformer.${embedding}`]: "token_embd", lm_head: "output" },
  reordered,
});
const ONE_MATRIX = {
  "self_attention.query_key_value": "attn_qkv",
  "self_attention.dense": "attn_output",
  "mlp.dense_h_to_4h": "ffn_up",
  "mlp.dense_4h_to_h": "ffn_down",
};

const gpt2 = transformerH("gpt2", "wte", {
  "attn.c_attn": "attn_qkv",
  "attn.c_proj": "attn_output",
  "mlp.c_fc": "ffn_up",
  "mlp.c_proj": "ffn_down",
});

/**
 * Every known family; a new one is a new entry here and in tools/consumers/gguf_families.py, which compares names with gguf's
 * TensorNameMap and orders of rows with llama.cpp's own conversion. DeepSeek's kv_b_proj is left out: llama.cpp applies no LoRA to the two
 * weights that it splits it into.
 */
export const GGUF_FAMILIES: readonly GgufFamily[] = [
  {
    ...alike("llama", "llama", "mistral", "mixtral"),
    modules: { ...SPLIT, "block_sparse_moe.gate": "ffn_gate_inp", "mlp.gate": "ffn_gate_inp" },
    experts: { paths: ["block_sparse_moe", "mlp"], projections: NUMBERED },
    reordered: INTERLEAVED,
  },
  {
    ...alike("mistral3", "mistral3", "mistral", "ministral3"),
    wholeTypes: ["mistral3", "ministral3"],
    reordered: INTERLEAVED,
  },
  { ...alike("smollm3"), reordered: INTERLEAVED },
  { ...alike("granite"), reordered: INTERLEAVED },
  {
    ...alike("arcee"),
    modules: { ...ATTENTION, "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down" },
    reordered: INTERLEAVED,
  },
  alike("qwen2"),
  alike("qwen2vl", "qwen2_vl", "qwen2_vl_text", "qwen2_5_vl", "qwen2_5_vl_text"),
  alike("qwen3"),
  alike("qwen3vl", "qwen3_vl", "qwen3_vl_text"),
  { ...alike("qwen3moe", "qwen3_moe"), modules: { ...ATTENTION, "mlp.gate": "ffn_gate_inp" }, experts: EXPERTS },
  {
    ...alike("qwen2moe", "qwen2_moe"),
    modules: {
      ...ATTENTION,
      "mlp.gate": "ffn_gate_inp",
      "mlp.shared_expert_gate": "ffn_gate_inp_shexp",
      ...sharedExpert("mlp.shared_expert"),
    },
    experts: EXPERTS,
  },
  {
    ...alike("llama4", "llama4", "llama4_text"),
    modules: {
      ...ATTENTION,
      "feed_forward.gate_proj": "ffn_gate",
      "feed_forward.up_proj": "ffn_up",
      "feed_forward.down_proj": "ffn_down",
      "feed_forward.router": "ffn_gate_inp",
      ...sharedExpert("feed_forward.shared_expert"),
    },
    experts: { paths: ["feed_forward"], projections: GATED, whole: true },
  },
  { ...alike("gemma"), around: TIED_AROUND },
  { ...alike("gemma2"), around: TIED_AROUND },
  alike("gemma3", "gemma3", "gemma3_text"),
  {
    ...alike("gemma3n", "gemma3n", "gemma3n_text"),
    modules: { ...SPLIT, ...PER_LAYER, "laurel.linear_left": "laurel_l", "laurel.linear_right": "laurel_r" },
  },
  {
    ...alike("gemma4", "gemma4", "gemma4_text"),
    modules: { ...SPLIT, ...PER_LAYER, "router.proj": "ffn_gate_inp" },
    experts: { paths: [""], projections: GATED, whole: true, gateUpAlone: true },
  },
  {
    ...alike("gpt-oss", "gpt_oss"),
    modules: { ...ATTENTION, "mlp.router": "ffn_gate_inp" },
    experts: { ...EXPERTS, whole: true },
  },
  alike("olmo2", "olmo2", "olmo3"),
  alike("seed_oss"),
  alike("exaone4"),
  { ...alike("glm4"), modules: { ...ATTENTION, ...FUSED_FEED_FORWARD } },
  { ...alike("glm4moe", "glm4_moe"), modules: { ...SPLIT, ...sharedExpert("mlp.shared_experts") }, experts: EXPERTS },
  {
    ...alike("lfm2"),
    modules: {
      "self_attn.q_proj": "attn_q",
      "self_attn.k_proj": "attn_k",
      "self_attn.v_proj": "attn_v",
      "self_attn.out_proj": "attn_output",
      "conv.in_proj": "shortconv.in_proj",
      "conv.out_proj": "shortconv.out_proj",
      "feed_forward.w1": "ffn_gate",
      "feed_forward.w2": "ffn_down",
      "feed_forward.w3": "ffn_up",
    },
  },
  {
    ...alike("deepseek2", "deepseek_v2", "deepseek_v3"),
    modules: {
      "self_attn.q_proj": "attn_q",
      "self_attn.q_a_proj": "attn_q_a",
      "self_attn.q_b_proj": "attn_q_b",
      "self_attn.kv_a_proj_with_mqa": "attn_kv_a_mqa",
      "self_attn.o_proj": "attn_output",
      ...FEED_FORWARD,
      "mlp.gate": "ffn_gate_inp",
      ...sharedExpert("mlp.shared_experts"),
    },
    experts: EXPERTS,
  },
  alike("stablelm"),
  { ...alike("starcoder2"), modules: { ...ATTENTION, "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down" } },
  {
    ...alike("phi3"),
    modules: { "self_attn.qkv_proj": "attn_qkv", "self_attn.o_proj": "attn_output", ...FUSED_FEED_FORWARD },
  },
  { ...gpt2, around: { ...gpt2.around, "transformer.wpe": "position_embd" } },
  transformerH("falcon", "word_embeddings", ONE_MATRIX, { attn_qkv: "fused" }),
  transformerH("bloom", "word_embeddings", ONE_MATRIX, { attn_qkv: "fused" }),
];
