/** A Llama of two layers with random weights, or a Mixtral: as transformers saves it, and as GGUF by llama.cpp's names and row order. */

/** Deterministic normal numbers (mulberry32 and Box-Muller). */
export function normals(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform() || 1e-12)) * Math.cos(2 * Math.PI * uniform());
}

export const SIZES = { d: 64, heads: 4, kvHeads: 2, ff: 96, layers: 2 };
const HEAD = SIZES.d / SIZES.heads;

/** <unk>, <s>, </s> and every byte. */
export const TOKENS = [
  "<unk>",
  "<s>",
  "</s>",
  ...Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`),
];

/** Matrices of the model by Hugging Face's names: [rows, columns]. @param experts of each layer; 0 for a Llama */
export function shapes(experts = 0) {
  const { d, kvHeads, ff, layers } = SIZES;
  const found = { "model.embed_tokens": [TOKENS.length, d], lm_head: [TOKENS.length, d] };
  for (let i = 0; i < layers; i++) {
    const layer = `model.layers.${i}`;
    found[`${layer}.self_attn.q_proj`] = [d, d];
    found[`${layer}.self_attn.k_proj`] = [kvHeads * HEAD, d];
    found[`${layer}.self_attn.v_proj`] = [kvHeads * HEAD, d];
    found[`${layer}.self_attn.o_proj`] = [d, d];
    if (experts === 0) {
      found[`${layer}.mlp.gate_proj`] = [ff, d];
      found[`${layer}.mlp.up_proj`] = [ff, d];
      found[`${layer}.mlp.down_proj`] = [d, ff];
    } else found[`${layer}.block_sparse_moe.gate`] = [experts, d];
    for (let e = 0; e < experts; e++) {
      for (const [own, shape] of Object.entries({ w1: [ff, d], w2: [d, ff], w3: [ff, d] }))
        found[`${layer}.block_sparse_moe.experts.${e}.${own}`] = shape;
    }
  }
  return found;
}

/** All tensors by Hugging Face's names. */
export function randomModel(seed, experts = 0) {
  const normal = normals(seed);
  const tensors = {};
  for (const [name, [rows, columns]] of Object.entries(shapes(experts))) {
    tensors[`${name}.weight`] = {
      shape: [rows, columns],
      data: Float32Array.from({ length: rows * columns }, () => normal() / Math.sqrt(columns)),
    };
  }
  const ones = () => ({ shape: [SIZES.d], data: Float32Array.from({ length: SIZES.d }, () => 1 + 0.1 * normal()) });
  for (let i = 0; i < SIZES.layers; i++) {
    tensors[`model.layers.${i}.input_layernorm.weight`] = ones();
    tensors[`model.layers.${i}.post_attention_layernorm.weight`] = ones();
  }
  tensors["model.norm.weight"] = ones();
  return tensors;
}

export const CONFIG = {
  model_type: "llama",
  architectures: ["LlamaForCausalLM"],
  hidden_size: SIZES.d,
  num_attention_heads: SIZES.heads,
  num_key_value_heads: SIZES.kvHeads,
  intermediate_size: SIZES.ff,
  num_hidden_layers: SIZES.layers,
  vocab_size: TOKENS.length,
};

/** Every expert is used, so that no small difference changes which. */
export const mixtralConfig = (experts) => ({
  ...CONFIG,
  model_type: "mixtral",
  architectures: ["MixtralForCausalLM"],
  num_local_experts: experts,
  num_experts_per_tok: experts,
});

const NAMES = {
  "block_sparse_moe.gate": "ffn_gate_inp",
  "block_sparse_moe.experts.w1": "ffn_gate_exps",
  "block_sparse_moe.experts.w2": "ffn_down_exps",
  "block_sparse_moe.experts.w3": "ffn_up_exps",
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.o_proj": "attn_output",
  "mlp.gate_proj": "ffn_gate",
  "mlp.up_proj": "ffn_up",
  "mlp.down_proj": "ffn_down",
  input_layernorm: "attn_norm",
  post_attention_layernorm: "ffn_norm",
};

function ggufName(name) {
  const layer = /^model\.layers\.(\d+)\.(.+)\.weight$/.exec(name);
  if (layer !== null) return `blk.${layer[1]}.${NAMES[layer[2]]}.weight`;
  return {
    "model.embed_tokens.weight": "token_embd.weight",
    "lm_head.weight": "output.weight",
    "model.norm.weight": "output_norm.weight",
  }[name];
}

/** convert_hf_to_gguf's permutation of the rows of queries and keys. */
function permuted({ shape: [rows, columns], data }, heads) {
  const half = rows / heads / 2;
  const out = new Float32Array(data.length);
  for (let h = 0; h < heads; h++) {
    for (let t = 0; t < 2; t++) {
      for (let j = 0; j < half; j++) {
        const from = (h * 2 * half + t * half + j) * columns;
        out.set(data.subarray(from, from + columns), (h * 2 * half + 2 * j + t) * columns);
      }
    }
  }
  return { shape: [rows, columns], data: out };
}

/** A model's tensors with those of the experts of a layer as one. */
function stackedExperts(tensors) {
  const stacked = {};
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const key = name.replace(/experts\.\d+\./, "experts.");
    const before = stacked[key];
    stacked[key] =
      key === name
        ? { shape, data }
        : {
            shape: [(before?.shape[0] ?? 0) + 1, ...shape],
            data: Float32Array.from([...(before?.data ?? []), ...data]),
          };
  }
  return stacked;
}

/** The model as a GGUF file. */
export function modelGguf(tensors, experts = 0) {
  const u32 = (value) => [4, new Uint8Array(Uint32Array.of(value).buffer)];
  const f32 = (value) => [6, new Uint8Array(Float32Array.of(value).buffer)];
  const text = (value) => [8, string(value)];
  const list = (type, parts) => [9, join([new Uint8Array(Uint32Array.of(type).buffer), u64(parts.length), ...parts])];
  const { d, heads, kvHeads, ff, layers } = SIZES;
  const metadata = {
    "general.architecture": text("llama"),
    "general.name": text("pico"),
    "llama.context_length": u32(64),
    "llama.embedding_length": u32(d),
    "llama.block_count": u32(layers),
    "llama.feed_forward_length": u32(ff),
    "llama.attention.head_count": u32(heads),
    "llama.attention.head_count_kv": u32(kvHeads),
    "llama.attention.layer_norm_rms_epsilon": f32(1e-5),
    "llama.rope.dimension_count": u32(HEAD),
    "llama.vocab_size": u32(TOKENS.length),
    ...(experts > 0 && { "llama.expert_count": u32(experts), "llama.expert_used_count": u32(experts) }),
    "tokenizer.ggml.model": text("llama"),
    "tokenizer.ggml.tokens": list(8, TOKENS.map(string)),
    "tokenizer.ggml.scores": list(
      6,
      TOKENS.map(() => new Uint8Array(Float32Array.of(0).buffer)),
    ),
    "tokenizer.ggml.token_type": list(
      5,
      TOKENS.map((_, i) => new Uint8Array(Int32Array.of(i === 0 ? 2 : i < 3 ? 3 : 6).buffer)),
    ),
    "tokenizer.ggml.bos_token_id": u32(1),
    "tokenizer.ggml.eos_token_id": u32(2),
    "tokenizer.ggml.unknown_token_id": u32(0),
  };
  const entries = Object.entries(stackedExperts(tensors)).map(([name, tensor]) => {
    const rows = /q_proj/.test(name)
      ? permuted(tensor, heads)
      : /k_proj/.test(name)
        ? permuted(tensor, kvHeads)
        : tensor;
    return [ggufName(name), rows];
  });
  let offset = 0;
  const infos = entries.map(([name, { shape, data }]) => {
    const dims = [...shape].reverse();
    const info = join([
      string(name),
      new Uint8Array(Uint32Array.of(dims.length).buffer),
      ...dims.map(u64),
      new Uint8Array(Uint32Array.of(0).buffer),
      u64(offset),
    ]);
    offset += Math.ceil(data.byteLength / 32) * 32;
    return info;
  });
  const head = join([
    new TextEncoder().encode("GGUF"),
    new Uint8Array(Uint32Array.of(3).buffer),
    u64(entries.length),
    u64(Object.keys(metadata).length),
    ...Object.entries(metadata).flatMap(([key, [type, value]]) => [
      string(key),
      new Uint8Array(Uint32Array.of(type).buffer),
      value,
    ]),
    ...infos,
  ]);
  const pad = (bytes) => join([bytes, new Uint8Array((32 - (bytes.length % 32)) % 32)]);
  return join([pad(head), ...entries.map(([, { data }]) => pad(new Uint8Array(data.buffer)))]);
}

function string(value) {
  const bytes = new TextEncoder().encode(value);
  return join([u64(bytes.length), bytes]);
}

function u64(value) {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
}

function join(parts) {
  return new Uint8Array(Buffer.concat(parts));
}

/** Tensors in f32 as a safetensors file. */
export function safetensors(tensors) {
  let offset = 0;
  const header = {};
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = JSON.stringify(header);
  const text = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8));
  return join([u64(text.length), text, ...Object.values(tensors).map(({ data }) => new Uint8Array(data.buffer))]);
}

/** The tensors of a safetensors file in f32. */
export function readSafetensors(file) {
  const bytes = new Uint8Array(file);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  return Object.fromEntries(
    Object.entries(header)
      .filter(([name]) => name !== "__metadata__")
      .map(
        ([
          name,
          {
            shape,
            data_offsets: [begin, end],
          },
        ]) => [name, { shape, data: new Float32Array(bytes.slice(8 + length + begin, 8 + length + end).buffer) }],
      ),
  );
}

/** A random PEFT adapter of every matrix: rank by module, one alpha. */
export function randomAdapter(seed, rankOf, alpha, experts = 0) {
  const normal = normals(seed);
  const tensors = {};
  const ranks = {};
  for (const [name, [rows, columns]] of Object.entries(shapes(experts))) {
    const embedding = name === "model.embed_tokens";
    const [inputs, out] = embedding ? [rows, columns] : [columns, rows];
    const r = rankOf(name);
    ranks[name] = r;
    const [keyA, keyB] = embedding ? ["lora_embedding_A", "lora_embedding_B"] : ["lora_A.weight", "lora_B.weight"];
    const matrix = (m, n, size) => ({
      shape: [m, n],
      data: Float32Array.from({ length: m * n }, () => size * normal()),
    });
    tensors[`base_model.model.${name}.${keyA}`] = matrix(r, inputs, 1 / Math.sqrt(inputs));
    tensors[`base_model.model.${name}.${keyB}`] = matrix(out, r, 0.3);
  }
  const [r] = Object.values(ranks);
  const config = {
    peft_type: "LORA",
    base_model_name_or_path: "pico",
    task_type: "CAUSAL_LM",
    r,
    lora_alpha: alpha,
    rank_pattern: Object.fromEntries(Object.entries(ranks).filter(([, rank]) => rank !== r)),
    target_modules: Object.keys(ranks),
  };
  return { tensors, config };
}
