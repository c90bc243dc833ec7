"""Adapters of experts, as PEFT saves them, and what PEFT and mlx-lm make of them and of what lora-lego made of them.

    python experts.py save FOLDER       writes one PEFT folder for each of ADAPTERS
    python experts.py judge JOBS.json   prints the answers as JSON

JOBS.json: [{"id", "program": "peft" | "mlx", "model": "qwen3_moe" | "gpt_oss", "paths": [folders that act together]}]. An answer has the deltas by
the paths of modules and parameters: (out, in), of experts one for each; PEFT's also has the logits of the tiny model, a row for each token.
"""

import importlib.metadata
import json
import sys
import warnings

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import ParamWrapper
from safetensors.torch import save_file
from seeded import seeded
from transformers import GptOssConfig, GptOssForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM

warnings.simplefilter("ignore")

SHARED = dict(
    hidden_size=8,
    num_experts_per_tok=2,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    head_dim=4,
    vocab_size=16,
)
TOKENS = torch.tensor([[1, 5, 9, 2, 14, 7]])


def qwen3_moe():
    return Qwen3MoeForCausalLM(Qwen3MoeConfig(**SHARED, intermediate_size=12, moe_intermediate_size=12, num_experts=4))


def gpt_oss():
    layers = ["full_attention"] * SHARED["num_hidden_layers"]
    ids = dict(pad_token_id=0, bos_token_id=1, eos_token_id=2)
    return GptOssForCausalLM(GptOssConfig(**SHARED, **ids, intermediate_size=12, num_local_experts=4, layer_types=layers))


MODELS = {"qwen3_moe": qwen3_moe, "gpt_oss": gpt_oss}
BOTH = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]
WITH_BIASES = ["gate_up_proj", "gate_up_proj_bias", "down_proj", "down_proj_bias"]
ADAPTERS = {
    "qwen3_moe-one": dict(r=2, lora_alpha=4, target_modules=["q_proj"], target_parameters=BOTH),
    "qwen3_moe-two": dict(
        r=3,
        lora_alpha=5,
        use_rslora=True,
        rank_pattern={"experts.gate_up_proj": 1},
        alpha_pattern={"layers.1.mlp.experts.down_proj": 2},
        target_modules=["q_proj"],
        target_parameters=BOTH,
    ),
    "qwen3_moe-down": dict(r=2, lora_alpha=1, target_modules=[], target_parameters=["experts.down_proj"]),
    "qwen3_moe-router": dict(
        r=2, lora_alpha=2, target_modules=["v_proj"], target_parameters=["mlp.gate.weight", "mlp.experts.gate_up_proj"]
    ),
    # Qwen3 has no biases: names that fit nothing are left out without a word.
    "qwen3_moe-no-biases": dict(r=1, lora_alpha=2, target_modules=[], target_parameters=WITH_BIASES),
    "gpt_oss-one": dict(r=2, lora_alpha=3, target_modules=["q_proj"], target_parameters=["gate_up_proj", "down_proj"]),
    "gpt_oss-two": dict(
        r=4,
        lora_alpha=2,
        rank_pattern={"down_proj": 1},
        target_modules=["q_proj"],
        target_parameters=["gate_up_proj", "down_proj"],
    ),
    "gpt_oss-biases": dict(r=2, lora_alpha=2, target_modules=[], target_parameters=WITH_BIASES),
}


# As transformers 4 had the model: PEFT stacks these when it loads them.
SINGLE = dict(r=2, lora_alpha=3, target_modules=["q_proj", "gate_proj", "up_proj", "down_proj"])
SIZES = {"gate_proj": (8, 12), "up_proj": (8, 12), "down_proj": (12, 8)}


def tiny(name):
    """The same weights at every call."""
    return seeded(MODELS[name]())


def save(folder):
    generator = torch.Generator().manual_seed(5)
    for name, fields in ADAPTERS.items():
        model = get_peft_model(tiny(name.split("-")[0]), LoraConfig(**fields))
        with torch.no_grad():
            for key, values in model.named_parameters():
                if "lora_" in key:
                    values.copy_(torch.randint(-64, 65, values.shape, generator=generator) / 64)
        model.peft_config["default"].base_model_name_or_path = "tiny"
        for field in ("target_modules", "target_parameters"):
            setattr(model.peft_config["default"], field, sorted(fields[field]))
        model.save_pretrained(f"{folder}/{name}")
    save_single(f"{folder}/qwen3_moe-single", generator)


def save_single(folder, generator):
    rank = SINGLE["r"]
    modules = {f"layers.{layer}.self_attn.q_proj": (8, 8) for layer in range(2)}
    for layer in range(2):
        for expert in range(4):
            for name, size in SIZES.items():
                modules[f"layers.{layer}.mlp.experts.{expert}.{name}"] = size
    tensors = {}
    for name, (inputs, out) in modules.items():
        for half, shape in (("A", (rank, inputs)), ("B", (out, rank))):
            values = torch.randint(-64, 65, shape, generator=generator) / 64
            tensors[f"base_model.model.model.{name}.lora_{half}.weight"] = values
    LoraConfig(**SINGLE, base_model_name_or_path="tiny").save_pretrained(folder)
    save_file(tensors, f"{folder}/adapter_model.safetensors", {"format": "pt"})
    with open(f"{folder}/adapter_config.json") as file:
        fields = json.load(file)
    with open(f"{folder}/adapter_config.json", "w") as file:
        json.dump({**fields, "target_modules": SINGLE["target_modules"]}, file, indent=2)


def judged(model, paths):
    first, *others = paths
    loaded = PeftModel.from_pretrained(tiny(model), first)
    for i, path in enumerate(others):
        loaded.load_adapter(path, f"other{i}")
    names = ["default", *(f"other{i}" for i in range(len(others)))]
    loaded.base_model.set_adapter(names)
    with torch.no_grad():
        logits = loaded(input_ids=TOKENS).logits[0]
        deltas = {path: delta.tolist() for path, delta in deltas_of(loaded, names)}
    return {"logits": logits.tolist(), "deltas": deltas}


def in_mlx(paths):
    import mlx.core as mx
    from mlx_lm.models import qwen3_moe as mlx
    from mlx_lm.tuner.utils import load_adapters

    config = qwen3_moe().config
    args = {name: getattr(config, name) for name in mlx.ModelArgs.__annotations__ if hasattr(config, name)}
    model = mlx.Model(mlx.ModelArgs(**{**args, "rope_theta": 10000.0, "rope_scaling": None}))
    deltas = {}
    for path, module in load_adapters(model, paths[0]).named_modules():
        if not hasattr(module, "lora_a"):
            continue
        a, b = (np.array(part.astype(mx.float32)) for part in (module.lora_a, module.lora_b))
        # Experts: B A; other layers store the transposes.
        delta = module.scale * (b @ a if a.ndim == 3 else (a @ b).T)
        if delta.any():
            deltas[path] = delta.tolist()
    return {"deltas": deltas}


def deltas_of(model, names):
    for key, layer in model.named_modules():
        if not hasattr(layer, "get_delta_weight"):
            continue
        delta = sum(layer.get_delta_weight(name) for name in names)
        path = key.removeprefix("base_model.model.").replace(".base_layer", "")
        if not isinstance(layer, ParamWrapper):
            yield path, delta
            continue
        turned = delta.dim() == 3 and getattr(layer.get_base_layer(), "is_transposed", False)
        yield f"{path}.{layer.parameter_name}", delta.transpose(1, 2) if turned else delta


def main():
    mode, place = sys.argv[1:]
    if mode == "save":
        return save(place)
    with open(place) as file:
        jobs = json.load(file)
    versions = {name: importlib.metadata.version(name) for name in ("peft", "transformers", "torch", "mlx-lm")}
    answers = {
        job["id"]: in_mlx(job["paths"]) if job["program"] == "mlx" else judged(job["model"], job["paths"])
        for job in jobs
    }
    print(json.dumps({"versions": versions, "answers": answers}))


if __name__ == "__main__":
    main()
