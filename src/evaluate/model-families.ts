import type { GgufField } from "../formats/gguf/layout.ts";
import type { JsonObject } from "../formats/json.ts";

/** How a whole model of one family becomes a GGUF file: what llama.cpp needs besides the names of its adapted modules. */
export interface ModelFamily {
  readonly architecture: string;
  /** Hyper-parameters by their GGUF names without the leading architecture, from the fields of config.json. */
  hyperParameters(
    field: (name: string, otherwise?: number) => number,
    config: JsonObject,
  ): Readonly<Record<string, GgufField>>;
  /** Norms after a layer's number and outside the layers, by their GGUF names. */
  readonly layerNorms: Readonly<Record<string, string>>;
  readonly norms: Readonly<Record<string, string>>;
  /** Whether the output shares the embeddings where config.json does not say. */
  readonly tiedByDefault: boolean;
  /** Fields of config.json that a GGUF file cannot store, each with the only value that is accepted. */
  readonly only: Readonly<Record<string, readonly unknown[]>>;
}

const uint32 = (value: number): GgufField => ({ uint32: value });

const LLAMA_NORMS = {
  layerNorms: { input_layernorm: "attn_norm", post_attention_layernorm: "ffn_norm" },
  norms: { "model.norm": "output_norm" },
};

function rotary(field: (name: string, otherwise?: number) => number, config: JsonObject): Record<string, GgufField> {
  const heads = field("num_attention_heads");
  const parameters = config.rope_parameters as JsonObject | undefined;
  const theta = typeof parameters?.rope_theta === "number" ? parameters.rope_theta : field("rope_theta", 10_000);
  const head = field("head_dim", field("hidden_size") / heads);
  return {
    context_length: uint32(field("max_position_embeddings")),
    embedding_length: uint32(field("hidden_size")),
    block_count: uint32(field("num_hidden_layers")),
    feed_forward_length: uint32(field("intermediate_size")),
    "attention.head_count": uint32(heads),
    "attention.head_count_kv": uint32(field("num_key_value_heads", heads)),
    "attention.key_length": uint32(head),
    "attention.value_length": uint32(head),
    "attention.layer_norm_rms_epsilon": field("rms_norm_eps"),
    "rope.dimension_count": uint32(head),
    "rope.freq_base": theta,
    vocab_size: uint32(field("vocab_size")),
  };
}

/** The families whose whole models are written; facts from llama.cpp's convert_hf_to_gguf. */
export const MODEL_FAMILIES: readonly ModelFamily[] = [
  {
    architecture: "llama",
    hyperParameters: rotary,
    ...LLAMA_NORMS,
    tiedByDefault: false,
    only: {
      rope_scaling: [null],
      hidden_act: ["silu"],
      attention_bias: [false],
      mlp_bias: [false],
      sliding_window: [null],
    },
  },
  {
    architecture: "qwen2",
    hyperParameters: rotary,
    ...LLAMA_NORMS,
    tiedByDefault: false,
    only: { rope_scaling: [null], hidden_act: ["silu"], use_sliding_window: [false] },
  },
  {
    architecture: "gpt2",
    hyperParameters: (field) => ({
      context_length: uint32(field("n_positions")),
      embedding_length: uint32(field("n_embd")),
      block_count: uint32(field("n_layer")),
      feed_forward_length: uint32(field("n_inner", 4 * field("n_embd"))),
      "attention.head_count": uint32(field("n_head")),
      "attention.layer_norm_epsilon": field("layer_norm_epsilon"),
    }),
    layerNorms: { ln_1: "attn_norm", ln_2: "ffn_norm" },
    norms: { "transformer.ln_f": "output_norm" },
    tiedByDefault: true,
    only: {
      activation_function: ["gelu_new"],
      scale_attn_weights: [true],
      scale_attn_by_inverse_layer_idx: [false],
      reorder_and_upcast_attn: [false],
    },
  },
];
