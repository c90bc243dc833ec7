"""What llama.cpp calls the weights of each family of language models, and where it puts their rows: test/golden/gguf/families.json.

Names come from gguf's TensorNameMap (PyPI). Rows come from the conversion of whole models in llama.cpp itself, given a weight whose
entries count up; its source is in the sdist of llama-cpp-python. Then its convert_lora_to_gguf.py converts an adapter of each family,
and must give the same names and rows.

    python3 -m venv venv && venv/bin/pip install gguf==0.19.0 torch==2.15.0 transformers==5.24.0 safetensors sentencepiece
    pip download --no-deps --no-binary :all: llama-cpp-python==0.3.36 && tar xzf llama_cpp_python-0.3.36.tar.gz
    venv/bin/python tools/consumers/gguf_families.py llama_cpp_python-0.3.36/vendor/llama.cpp test/golden/gguf/families.json
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import gguf
import torch
from safetensors.torch import save_file

HIDDEN, FFN, VOCAB, HEADS, KEYS, HEAD = 16, 24, 40, 4, 2, 4
LAYER = 1
LLAMA_CPP = "llama-cpp-python 0.3.36"

ATTENTION = {
    "self_attn.q_proj": (HEADS * HEAD, HIDDEN),
    "self_attn.k_proj": (KEYS * HEAD, HIDDEN),
    "self_attn.v_proj": (KEYS * HEAD, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HEADS * HEAD),
}
MLP = {"mlp.gate_proj": (FFN, HIDDEN), "mlp.up_proj": (FFN, HIDDEN), "mlp.down_proj": (HIDDEN, FFN)}
SHARED = {f"mlp.shared_experts.{name[4:]}": shape for name, shape in MLP.items()}
ROUTER = {"mlp.gate": (2, HIDDEN)}
AROUND = {"model.embed_tokens": (VOCAB, HIDDEN), "lm_head": (VOCAB, HIDDEN)}
TIED = {"model.embed_tokens": (VOCAB, HIDDEN)}


# What convert_lora_to_gguf.py itself gets wrong: it transposes GPT-2's factors as if they were stored like Conv1D's weights, though PEFT's
# are those of a linear layer; and its class for Mistral 3 hands over to one that converts whole models.
NO_LORA = ["gpt2", "mistral3", "ministral3"]


def family(model_type, architecture, layers="model.layers", around=AROUND, modules=None, experts=(), **config):
    return {
        "model_type": model_type,
        "architecture": architecture,
        "experts": experts,
        "modules": {**{f"{layers}.{LAYER}.{name}": shape for name, shape in (modules or {**ATTENTION, **MLP}).items()}, **around},
        "config": config,
    }


QKV = (HEADS + 2 * KEYS) * HEAD
GPT2 = {"attn.c_attn": (3 * HIDDEN, HIDDEN), "attn.c_proj": (HIDDEN, HIDDEN), "mlp.c_fc": (FFN, HIDDEN), "mlp.c_proj": (HIDDEN, FFN)}
FUSED_MLP = {"mlp.gate_up_proj": (2 * FFN, HIDDEN), "mlp.down_proj": (HIDDEN, FFN)}
PLAIN_MLP = {"mlp.c_fc": (FFN, HIDDEN), "mlp.c_proj": (HIDDEN, FFN)}
DENSE_MLP = {"mlp.dense_h_to_4h": (FFN, HIDDEN), "mlp.dense_4h_to_h": (HIDDEN, FFN)}
MLA = {
    "self_attn.q_a_proj": (8, HIDDEN),
    "self_attn.q_b_proj": (HEADS * 6, 8),
    "self_attn.kv_a_proj_with_mqa": (10, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HEADS * HEAD),
}
OUT = {"self_attn.out_proj" if name.endswith("o_proj") else name: shape for name, shape in ATTENTION.items()}
DEEPSEEK = {"n_routed_experts": 2, "q_lora_rank": 8, "kv_lora_rank": 8, "qk_nope_head_dim": 4, "qk_rope_head_dim": 2, "v_head_dim": 4}

# Experts: where they are in a layer, their names, and how checkpoints hold them: a layer for each ("single"), or parameters of all
# experts with gate and up as one weight ("whole"), stored as (out, in), or as (in, out) ("turned").
GATED = {"gate_proj": (FFN, HIDDEN), "up_proj": (FFN, HIDDEN), "down_proj": (HIDDEN, FFN)}
NUMBERED = {"w1": (FFN, HIDDEN), "w3": (FFN, HIDDEN), "w2": (HIDDEN, FFN)}
WHOLE = {"gate_up_proj": (2 * FFN, HIDDEN), "down_proj": (HIDDEN, FFN)}
# Of Gemma 4's, llama.cpp scales what down gives before it adds LoRA (build_lora_mm_id with ffn_down_exps.scale), so we write none of down.
GATE_UP = {"gate_up_proj": (2 * FFN, HIDDEN)}
SINGLE = [("mlp.experts", GATED, "single")]

FAMILIES = [
    family("mixtral", "MixtralForCausalLM", modules={**ATTENTION, "block_sparse_moe.gate": (2, HIDDEN)}, experts=[("block_sparse_moe.experts", NUMBERED, "single")], num_local_experts=2),
    family("llama", "LlamaForCausalLM"),
    family("mistral", "MistralForCausalLM"),
    family("mistral3", "Mistral3ForConditionalGeneration", text_config={"model_type": "mistral"}),
    family("ministral3", "Ministral3ForCausalLM"),
    family("smollm3", "SmolLM3ForCausalLM"),
    family("granite", "GraniteForCausalLM"),
    family("arcee", "ArceeForCausalLM", modules={**ATTENTION, "mlp.up_proj": (FFN, HIDDEN), "mlp.down_proj": (HIDDEN, FFN)}),
    family("qwen2", "Qwen2ForCausalLM"),
    family("qwen2_vl", "Qwen2VLForConditionalGeneration", text_config={"model_type": "qwen2_vl_text"}),
    family("qwen2_5_vl", "Qwen2_5_VLForConditionalGeneration", text_config={"model_type": "qwen2_5_vl_text"}),
    family("qwen3", "Qwen3ForCausalLM"),
    family("qwen3_vl", "Qwen3VLForConditionalGeneration", text_config={"model_type": "qwen3_vl_text"}, vision_config={"deepstack_visual_indexes": []}),
    family("qwen3_moe", "Qwen3MoeForCausalLM", modules={**ATTENTION, **ROUTER}, experts=[*SINGLE, ("mlp.experts", WHOLE, "whole")], num_experts=2),
    family("qwen2_moe", "Qwen2MoeForCausalLM", modules={**ATTENTION, **ROUTER, "mlp.shared_expert_gate": (1, HIDDEN), **{name.replace("experts", "expert"): shape for name, shape in SHARED.items()}}, experts=SINGLE, num_experts=2),
    family("llama4", "Llama4ForConditionalGeneration", text_config={"model_type": "llama4_text", "num_local_experts": 2}, modules={**ATTENTION, **{f"feed_forward.{name[4:]}": shape for name, shape in MLP.items()}, "feed_forward.router": (2, HIDDEN), **{name.replace("mlp.shared_experts", "feed_forward.shared_expert"): shape for name, shape in SHARED.items()}}, experts=[("feed_forward.experts", WHOLE, "turned")]),
    family("gemma", "GemmaForCausalLM", around=TIED),
    family("gemma2", "Gemma2ForCausalLM", around=TIED),
    family("gemma3_text", "Gemma3ForCausalLM"),
    family("gemma3n", "Gemma3nForConditionalGeneration", text_config={"model_type": "gemma3n_text"}, modules={**ATTENTION, **MLP, "per_layer_input_gate": (8, HIDDEN), "per_layer_projection": (HIDDEN, 8), "laurel.linear_left": (8, HIDDEN), "laurel.linear_right": (HIDDEN, 8)}),
    family("gemma4", "Gemma4ForConditionalGeneration", text_config={"model_type": "gemma4_text"}, modules={**ATTENTION, **MLP, "per_layer_input_gate": (8, HIDDEN), "per_layer_projection": (HIDDEN, 8), "router.proj": (2, HIDDEN)}, experts=[("experts", GATE_UP, "whole")], num_experts=2),
    family("gpt_oss", "GptOssForCausalLM", modules={**ATTENTION, "mlp.router": (2, HIDDEN)}, experts=[("mlp.experts", WHOLE, "turned")], num_local_experts=2),
    family("olmo2", "Olmo2ForCausalLM"),
    family("olmo3", "Olmo3ForCausalLM"),
    family("seed_oss", "SeedOssForCausalLM"),
    family("exaone4", "Exaone4ForCausalLM"),
    family("glm4", "Glm4ForCausalLM", modules={**ATTENTION, **FUSED_MLP}),
    family("glm4_moe", "Glm4MoeForCausalLM", modules={**ATTENTION, **MLP, **SHARED}, experts=SINGLE, n_routed_experts=2),
    family("lfm2", "Lfm2ForCausalLM", modules={**OUT, "conv.in_proj": (3 * HIDDEN, HIDDEN), "conv.out_proj": (HIDDEN, HIDDEN), "feed_forward.w1": (FFN, HIDDEN), "feed_forward.w2": (HIDDEN, FFN), "feed_forward.w3": (FFN, HIDDEN)}),
    family("deepseek_v2", "DeepseekV2ForCausalLM", modules={**MLA, **MLP, **ROUTER, **SHARED}, experts=SINGLE, **DEEPSEEK),
    family("deepseek_v3", "DeepseekV3ForCausalLM", modules={**MLA, "self_attn.q_proj": (HEADS * 6, HIDDEN), **MLP, **ROUTER, **SHARED}, experts=SINGLE, **DEEPSEEK),
    family("stablelm", "StableLmForCausalLM"),
    family("starcoder2", "Starcoder2ForCausalLM", modules={**ATTENTION, **PLAIN_MLP}),
    family("phi3", "Phi3ForCausalLM", modules={"self_attn.qkv_proj": (QKV, HIDDEN), "self_attn.o_proj": (HIDDEN, HIDDEN), **FUSED_MLP}),
    family("gpt2", "GPT2LMHeadModel", layers="transformer.h", around={"transformer.wte": (VOCAB, HIDDEN), "lm_head": (VOCAB, HIDDEN)}, modules=GPT2),
    family("falcon", "FalconForCausalLM", layers="transformer.h", around={"transformer.word_embeddings": (VOCAB, HIDDEN), "lm_head": (VOCAB, HIDDEN)}, modules={"self_attention.query_key_value": (QKV, HIDDEN), "self_attention.dense": (HIDDEN, HIDDEN), **DENSE_MLP}, num_kv_heads=KEYS),
    family("bloom", "BloomForCausalLM", layers="transformer.h", around={"transformer.word_embeddings": (VOCAB, HIDDEN), "lm_head": (VOCAB, HIDDEN)}, modules={"self_attention.query_key_value": (3 * HIDDEN, HIDDEN), "self_attention.dense": (HIDDEN, HIDDEN), **DENSE_MLP}, n_head=HEADS, num_key_value_heads=HEADS),
]


def names():
    """The names by PyPI's gguf, of every architecture that it knows."""
    found = {}
    arches = {name: arch for arch, name in gguf.MODEL_ARCH_NAMES.items()}
    for entry in FAMILIES:
        for architecture, arch in arches.items():
            table = gguf.get_tensor_name_map(arch, LAYER + 1)
            found[architecture, entry["model_type"]] = {module: table.get_name(re.sub(r"^transformer\.(?=h\.|word)", "", module)) or table.get_name(module) for module in entry["modules"]}
    return found


def config_of(entry):
    config = {
        "architectures": [entry["architecture"]], "model_type": entry["model_type"], "hidden_size": HIDDEN, "num_hidden_layers": LAYER + 1,
        "num_attention_heads": HEADS, "num_key_value_heads": KEYS, "head_dim": HEAD, "intermediate_size": FFN, "vocab_size": VOCAB,
        "tie_word_embeddings": "lm_head" not in entry["modules"],
    }
    whole = {**config, **entry["config"]}
    if "text_config" in whole:
        own = {key: value for key, value in config.items() if key not in ("architectures", "model_type")}
        whole["text_config"] = {**own, **whole["text_config"]}
    return whole


def converted(entry, folder):
    """The architecture, and for every module its tensor's name, its order of rows, and whether it is transposed."""
    from conversion import ModelBase, ModelType, get_model_class, get_model_architecture
    import gguf as own

    config = config_of(entry)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {str(i): i for i in range(VOCAB)}}, "added_tokens": []}))
    hparams = ModelBase.load_hparams(folder, False)
    cls = get_model_class(get_model_architecture(hparams, ModelType.TEXT))
    cls._original_block_count = LAYER + 1
    model = cls(folder, own.LlamaFileType.ALL_F32, folder / "out.gguf", eager=True, hparams=hparams)
    arch = own.MODEL_ARCH_NAMES[getattr(model, "impl", model).model_arch]
    tensors = {}
    for module, (out, inputs) in entry["modules"].items():
        # GPT-2's Conv1D stores its weights as (in, out).
        conv1d = entry["model_type"] == "gpt2" and ".c_" in module
        weight = torch.arange(out * inputs, dtype=torch.float32).reshape(out, inputs)
        name = f"{module}.weight"
        stored = weight.T.contiguous() if conv1d else weight
        item = cls.filter_tensors((name, lambda: stored))
        assert item is not None, name
        [(found, values)] = model.modify_tensors(stored, item[0], LAYER if f".{LAYER}." in name else None)
        order = [int(row[0]) // inputs for row in values.tolist()]
        assert torch.equal(values, weight[order]), name
        tensors[module] = {"name": found.removesuffix(".weight"), "order": None if order == list(range(out)) else order}
    return arch, tensors, [stacked(model, cls, *form) for form in entry["experts"]]


EXPERTS = 2


def stacked(model, cls, path, projections, form):
    """Into which tensors llama.cpp puts a layer's experts, and which rows of which projection these are."""
    count, weights = 0, {}
    for projection, (out, inputs) in projections.items():
        weights[projection] = torch.arange(count, count + EXPERTS * out * inputs, dtype=torch.float32).reshape(EXPERTS, out, inputs)
        count += EXPERTS * out * inputs
    given = {}
    for projection, weight in weights.items():
        if form == "single":
            given.update({f"model.layers.{LAYER}.{path}.{e}.{projection}.weight": weight[e] for e in range(EXPERTS)})
        else:
            given[f"model.layers.{LAYER}.{path}.{projection}"] = weight.transpose(1, 2).contiguous() if form == "turned" else weight
    found = {}
    for name, weight in given.items():
        item = cls.filter_tensors((name, lambda: weight))
        found.update(model.modify_tensors(weight, item[0], LAYER))
    tensors = []
    for name, values in found.items():
        [projection] = [own for own, weight in weights.items() if values[0, 0, 0] in weight]
        first = weights[projection][0, 0, 0]
        inputs = weights[projection].shape[2]
        rows = [int(row[0] - first) // inputs for row in values[0].tolist()]
        assert torch.equal(values, weights[projection][:, rows]), name
        tensors.append({"name": name.removesuffix(".weight"), "projection": projection, "rows": rows})
    shapes = {projection: list(shape) for projection, shape in projections.items()}
    return {"path": f"model.layers.{LAYER}.{path}", "single": form == "single", "shapes": shapes, "tensors": tensors}


def check_lora(entry, architecture, tensors, experts, llama_cpp, folder):
    """Whether convert_lora_to_gguf.py makes the same of an adapter; of embeddings it looks at nothing here."""
    import gguf as own

    random = torch.Generator().manual_seed(1)
    factors = {module: (torch.randn(3, inputs, generator=random), torch.randn(out, 3, generator=random)) for module, (out, inputs) in entry["modules"].items() if module.count(".") > 1}
    # It takes no factors of parameters of all experts.
    single = {f"{form['path']}.{e}.{projection}": shape for form in experts if form["single"] for projection, shape in form["shapes"].items() for e in range(EXPERTS)}
    of_experts = {module: (torch.randn(3, inputs, generator=random), torch.randn(out, 3, generator=random)) for module, (out, inputs) in single.items()}
    adapter = {f"base_model.model.{module}.lora_{half}.weight": tensor for module, pair in {**factors, **of_experts}.items() for half, tensor in zip("AB", pair)}
    save_file(adapter, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 3, "lora_alpha": 6}))
    script, out = llama_cpp / "convert_lora_to_gguf.py", folder / "lora.gguf"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, script, "--base", folder, "--outfile", out, folder], check=True, env=environment, capture_output=True)
    reader = own.GGUFReader(out)
    field = reader.fields["general.architecture"]
    assert bytes(field.parts[field.data[0]]).decode() == architecture
    found = {tensor.name: torch.tensor(tensor.data) for tensor in reader.tensors}
    stacks = {tensor["name"]: [of_experts[f"{form['path']}.{e}.{tensor['projection']}"] for e in range(EXPERTS)] for form in experts if form["single"] for tensor in form["tensors"]}
    names = [*[tensors[module]["name"] for module in factors], *stacks]
    assert set(found) == {f"{name}.weight.lora_{half}" for name in names for half in "ab"}, sorted(found)
    for name, pairs in stacks.items():
        for half, own in zip("ab", zip(*pairs)):
            assert torch.equal(found[f"{name}.weight.lora_{half}"], torch.stack(own)), name
    for module, (a, b) in factors.items():
        name, order = tensors[module]["name"], tensors[module]["order"]
        assert torch.equal(found[f"{name}.weight.lora_a"], a), name
        assert torch.equal(found[f"{name}.weight.lora_b"], b if order is None else b[order]), name


def main():
    llama_cpp, path = Path(sys.argv[1]), Path(sys.argv[2])
    by_gguf = names()
    known = version("gguf")
    for module in [name for name in sys.modules if name.split(".")[0] == "gguf"]:
        del sys.modules[module]
    sys.path[:0] = [str(llama_cpp), str(llama_cpp / "gguf-py")]
    families = []
    for entry in FAMILIES:
        with tempfile.TemporaryDirectory() as folder:
            architecture, tensors, experts = converted(entry, Path(folder))
            if entry["model_type"] not in NO_LORA:
                check_lora(entry, architecture, tensors, experts, llama_cpp, Path(folder))
        expected = by_gguf[architecture, entry["model_type"]]
        for module, tensor in tensors.items():
            assert expected[module] == tensor["name"], (entry["model_type"], module, expected[module], tensor["name"])
        modules = [{"module": module, "shape": list(entry["modules"][module]), **tensor} for module, tensor in tensors.items()]
        families.append({"architecture": architecture, "config": config_of(entry), "modules": modules, **({"experts": experts} if experts else {})})
    made = {"gguf": known, "llamaCpp": LLAMA_CPP, "torch": torch.__version__}
    text = ",\n".join(json.dumps(entry) for entry in families)
    path.write_text(f'{{"made": {json.dumps(made)}, "families": [\n{text}\n]}}\n')


main()
