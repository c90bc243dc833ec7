"""GGUF files by the Python package gguf, and its names and row order: golden files of test/golden/gguf.

    python3 -m venv venv && venv/bin/pip install gguf==0.19.0 numpy==2.4.6
    venv/bin/python tools/golden/gguf_files.py test/golden/gguf
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import gguf
import numpy as np

FAMILIES = {
    "llama": ("LLAMA", "model.layers", "split"),
    "qwen2": ("QWEN2", "model.layers", "split"),
    "qwen3": ("QWEN3", "model.layers", "split"),
    "gemma": ("GEMMA", "model.layers", "split"),
    "gemma2": ("GEMMA2", "model.layers", "split"),
    "gemma3": ("GEMMA3", "model.layers", "split"),
    "phi3": ("PHI3", "model.layers", "fused"),
    "gpt2": ("GPT2", "transformer.h", "gpt2"),
}
MODULES = {
    "split": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"],
    "fused": ["self_attn.qkv_proj", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj"],
    "gpt2": ["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"],
}
AROUND = {"split": ["model.embed_tokens", "lm_head"], "fused": ["model.embed_tokens", "lm_head"], "gpt2": ["transformer.wte", "transformer.wpe", "lm_head"]}


def names():
    found = {}
    for architecture, (arch, layers, kind) in FAMILIES.items():
        table = gguf.get_tensor_name_map(gguf.MODEL_ARCH[arch], 12)
        modules = [f"{layers}.{layer}.{module}" for layer in (0, 11) for module in MODULES[kind]] + AROUND[kind]
        found[architecture] = {module: table.get_name(module) for module in modules}
        assert gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH[arch]] == architecture
    return found


def permute(weights, n_head, n_head_kv):
    """convert_hf_to_gguf.py, LlamaModel.permute."""
    if n_head_kv is not None and n_head != n_head_kv:
        n_head = n_head_kv
    return weights.reshape(n_head, 2, weights.shape[0] // n_head // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


def orders():
    cases = [(8, 2, 2), (8, 4, 2), (24, 4, 2), (12, 3, 3), (16, 1, 1)]
    return [
        {"rows": rows, "heads": kv if kv != heads else heads, "order": permute(np.arange(rows), heads, kv).tolist()}
        for rows, heads, kv in cases
    ]


def adapter(path, dtype):
    random = np.random.default_rng(7)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 16.0)
    tensors = {}
    for stem, shape_a, shape_b in [
        ("blk.0.attn_q.weight", (4, 32), (16, 4)),
        ("blk.1.ffn_down.weight", (4, 64), (32, 4)),
        ("token_embd.weight", (40, 4), (32, 4)),
    ]:
        for half, shape in [("lora_a", shape_a), ("lora_b", shape_b)]:
            values = random.standard_normal(shape).astype(np.float32)
            name = f"{stem}.{half}"
            if dtype == "F32":
                stored, raw = values, None
            elif dtype == "F16":
                stored, raw = values.astype(np.float16), None
            else:
                kind = gguf.GGMLQuantizationType[dtype] if shape[-1] % 32 == 0 or dtype == "BF16" else gguf.GGMLQuantizationType.F16
                stored = gguf.quants.quantize(values, kind)
                raw = kind
            writer.add_tensor(name, stored, raw_dtype=raw)
            kind = raw or (gguf.GGMLQuantizationType.F32 if dtype == "F32" else gguf.GGMLQuantizationType.F16)
            back = gguf.quants.dequantize(stored, kind) if raw is not None else stored
            tensors[name] = {"type": kind.name, "shape": list(shape), "values": np.asarray(back, dtype=np.float32).ravel().tolist()}
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


def every_value(path):
    writer = gguf.GGUFWriter(path, "test")
    values = {
        "a.u8": ("uint8", 255), "a.i8": ("int8", -128), "a.u16": ("uint16", 65535), "a.i16": ("int16", -32768),
        "a.u32": ("uint32", 4294967295), "a.i32": ("int32", -2147483648), "a.f32": ("float32", 0.5), "a.bool": ("bool", True),
        "a.text": ("string", "é\u0000 z"), "a.u64": ("uint64", 2**53 - 1), "a.i64": ("int64", -5), "a.f64": ("float64", 0.1),
    }
    for key, (kind, value) in values.items():
        getattr(writer, f"add_{kind}")(key, value)
    writer.add_array("a.numbers", [1, 2, 3])
    writer.add_array("a.texts", ["x", "yz"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = {key: value for key, (_, value) in values.items()}
    return {"general.architecture": "test", **found, "a.numbers": [1, 2, 3], "a.texts": ["x", "yz"]}


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "gguf": version("gguf"),
        "numpy": version("numpy"),
        "names": names(),
        "orders": orders(),
        "adapters": {dtype: adapter(folder / f"lora-{dtype.lower()}.gguf", dtype) for dtype in ["F32", "F16", "BF16", "Q8_0"]},
        "values": every_value(folder / "values.gguf"),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=True) + "\n")


main()
