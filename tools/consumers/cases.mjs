/**
 * The adapters that real programs judge, in the shapes of models.py: PEFT folders whose modules are { name: [in, out, rank] } (a fourth entry
 * is the kernel of a convolution, "embedding" an embedding), the `model` that they belong to, and which programs load what we make of them.
 * `whole` is false where the program is known to miss modules, which check must say. `tolerance` is what bf16 may round off where a merge folds the scale in. `parts` names the program's modules where they are not called as ours: those that ours is split into, in the order of its rows.
 */
const W = 8;
const QKV = ["to_q", "to_k", "to_v"];

/** ComfyUI holds UNets by the names of their first code. */
const UNET_OF_LDM = {
  "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q":
    "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q",
  "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_out.0":
    "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_out.0",
  "unet.down_blocks.0.attentions.0.transformer_blocks.0.ff.net.0.proj":
    "diffusion_model.input_blocks.1.1.transformer_blocks.0.ff.net.0.proj",
  "unet.down_blocks.0.attentions.0.proj_in": "diffusion_model.input_blocks.1.1.proj_in",
  "unet.down_blocks.0.resnets.0.conv1": "diffusion_model.input_blocks.1.0.in_layers.2",
  "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_v":
    "diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_v",
};

export const CASES = [
  {
    id: "llama-patterns",
    model: "llama",
    modules: {
      "model.layers.0.self_attn.q_proj": [W, W, 4],
      "model.layers.0.self_attn.v_proj": [W, 4, 2],
      "model.layers.1.mlp.down_proj": [12, W, 3],
    },
    config: {
      r: 4,
      lora_alpha: 8,
      rank_pattern: { "model.layers.0.self_attn.v_proj": 2, "model.layers.1.mlp.down_proj": 3 },
      alpha_pattern: { "model.layers.1.mlp.down_proj": 5 },
    },
    judges: [{ program: "peft", to: "peft" }, { program: "peft" }, { program: "mlx", to: "mlx" }],
  },
  {
    id: "llama-rslora",
    model: "llama",
    dtype: "BF16",
    modules: {
      "model.layers.0.self_attn.k_proj": [W, 4, 3],
      "model.layers.1.mlp.gate_proj": [W, 12, 3],
    },
    config: { r: 3, lora_alpha: 4, use_rslora: true },
    judges: [
      { program: "peft", to: "peft" },
      { program: "peft", tolerance: 4e-3 },
      { program: "mlx", to: "mlx" },
    ],
  },
  {
    id: "llama-embedding",
    model: "llama",
    modules: {
      "model.embed_tokens": [16, W, 2, "embedding"],
      lm_head: [W, 16, 2],
      "model.layers.1.self_attn.o_proj": [W, W, 2],
    },
    config: { r: 2, lora_alpha: 3 },
    baseConfig: { model_type: "llama", tie_word_embeddings: false },
    judges: [{ program: "peft", to: "peft" }, { program: "peft" }, { program: "mlx", to: "mlx" }],
  },
  {
    id: "gpt2",
    model: "gpt2",
    modules: {
      "transformer.h.0.attn.c_attn": [W, 24, 2],
      "transformer.h.0.mlp.c_fc": [W, 32, 2],
      "transformer.h.1.mlp.c_proj": [32, W, 2],
    },
    config: { r: 2, lora_alpha: 4, fan_in_fan_out: true },
    baseConfig: { model_type: "gpt2", n_head: 2 },
    judges: [
      { program: "peft", to: "peft" },
      { program: "peft" },
      {
        program: "mlx",
        to: "mlx",
        parts: (name) => [name.replace("transformer.", "model.")],
      },
    ],
  },
  {
    id: "gemma3",
    model: "gemma3",
    modules: {
      "model.language_model.layers.0.self_attn.q_proj": [W, W, 2],
      "model.language_model.layers.1.mlp.up_proj": [W, 12, 2],
    },
    config: { r: 2, lora_alpha: 2 },
    baseConfig: { model_type: "gemma3", tie_word_embeddings: true, text_config: { model_type: "gemma3_text" } },
    judges: [
      {
        program: "mlx",
        to: "mlx",
        parts: (name) => [name.replace("model.language_model.", "language_model.model.")],
      },
    ],
  },
  {
    id: "unet",
    model: "unet",
    modules: {
      "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q": [W, W, 2],
      "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_out.0": [W, W, 3],
      "unet.down_blocks.0.attentions.0.transformer_blocks.0.ff.net.0.proj": [W, 64, 2],
      "unet.down_blocks.0.attentions.0.proj_in": [W, W, 2, [1, 1]],
      "unet.down_blocks.0.resnets.0.conv1": [W, W, 2, [3, 3]],
      "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_v": [16, 16, 2],
    },
    config: {
      r: 2,
      lora_alpha: 3,
      rank_pattern: { "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_out.0": 3 },
      alpha_pattern: { "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q": 5 },
    },
    judges: [
      { program: "diffusers", to: "diffusers" },
      { program: "diffusers", to: "kohya" },
      { program: "comfyui", to: "kohya", parts: (name) => [UNET_OF_LDM[name]] },
      // It finds attention layers of UNets under the names of processors alone.
      { program: "comfyui", to: "diffusers", parts: (name) => [UNET_OF_LDM[name]], whole: false },
    ],
  },
  {
    id: "flux",
    model: "flux",
    modules: {
      "diffusion_model.double_blocks.0.img_attn.qkv": [W, 24, 2],
      "diffusion_model.double_blocks.0.txt_attn.proj": [W, W, 2],
      "diffusion_model.double_blocks.0.img_mlp.0": [W, 32, 2],
      "diffusion_model.single_blocks.0.linear1": [W, 56, 2],
      "diffusion_model.single_blocks.0.linear2": [40, W, 2],
    },
    config: { r: 2, lora_alpha: 4 },
    judges: [
      { program: "diffusers", to: "diffusers", parts: fluxParts },
      { program: "comfyui", to: "diffusers" },
      { program: "comfyui", to: "kohya" },
    ],
  },
  {
    // Without linear1: diffusers splits it from kohya's names at the sizes of the real model only.
    id: "flux-kohya",
    model: "flux",
    modules: {
      "diffusion_model.double_blocks.0.img_attn.qkv": [W, 24, 2],
      "diffusion_model.double_blocks.0.txt_attn.proj": [W, W, 3],
      "diffusion_model.single_blocks.0.linear2": [40, W, 2],
    },
    config: { r: 2, lora_alpha: 4, rank_pattern: { "diffusion_model.double_blocks.0.txt_attn.proj": 3 } },
    judges: [{ program: "diffusers", to: "kohya", parts: fluxParts }],
  },
];

function fluxParts(name) {
  const [, kind, block, module] = /^diffusion_model\.(double|single)_blocks\.(\d+)\.(.+)$/.exec(name);
  const path =
    kind === "double" ? `transformer.transformer_blocks.${block}` : `transformer.single_transformer_blocks.${block}`;
  const parts = {
    "img_attn.qkv": QKV.map((part) => `attn.${part}`),
    "txt_attn.proj": ["attn.to_add_out"],
    "img_mlp.0": ["ff.net.0.proj"],
    linear1: [...QKV.map((part) => `attn.${part}`), "proj_mlp"],
    linear2: ["proj_out"],
  };
  return parts[module].map((part) => `${path}.${part}`);
}
