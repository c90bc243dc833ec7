"""Models fused by numpy, bit for bit what `lora-lego fuse` must write: golden files of test/golden/fuse.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 safetensors==0.8.0 ml_dtypes==0.6.0
    venv/bin/python tools/golden/fuse_golden.py [folder]

Per element type a base, two adapters, and the base with both: W += (factor * b_i) outer a_i in float32, one unit after the other,
factor = float32(weight * lambda * alpha / r); rounded once to the base's type.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "test/golden/fuse")
DTYPES = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16}
# module, shape of the base's weight, kind
MODULES = [
    ("model.layers.0.self_attn.q_proj", (6, 5), "linear"),
    ("model.layers.1.mlp.down_proj", (4, 7), "linear"),
    ("model.embed_tokens", (11, 4), "embedding"),
    ("model.conv", (4, 2, 3, 3), "conv"),
    ("transformer.h.0.attn.c_attn", (5, 9), "conv1d"),
]
ADAPTERS = [{"r": 3, "alpha": 2, "weight": 1.0}, {"r": 2, "alpha": 7, "weight": -0.3}]
LAMBDA = 0.9


def factors(random, shape, kind, r):
    if kind == "embedding":
        return (r, shape[0]), (shape[1], r)
    if kind == "conv1d":
        return (r, shape[0]), (shape[1], r)
    return (r, *shape[1:]), (shape[0], r, *[1] * (len(shape) - 2))


def main():
    random = np.random.default_rng(11)
    normal = lambda shape: random.standard_normal(shape).astype(np.float32)
    drawn = [
        {name: [normal(s) for s in factors(random, shape, kind, adapter["r"])] for name, shape, kind in MODULES}
        for adapter in ADAPTERS
    ]
    base = {f"{name}.weight": normal(shape) for name, shape, _ in MODULES} | {"model.norm.weight": normal((5,))}
    for t, (adapter, modules) in enumerate(zip(ADAPTERS, drawn)):
        folder = OUT / f"adapter-{t}"
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {}
        for name, _, kind in MODULES:
            keys = ("lora_embedding_A", "lora_embedding_B") if kind == "embedding" else ("lora_A.weight", "lora_B.weight")
            for key, values in zip(keys, modules[name]):
                tensors[f"base_model.model.{name}.{key}"] = values
        save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
        config = dict(peft_type="LORA", r=adapter["r"], lora_alpha=adapter["alpha"], target_modules=[n for n, _, _ in MODULES])
        (folder / "adapter_config.json").write_text(json.dumps(config) + "\n")
    for label, dtype in DTYPES.items():
        stored = {name: values.astype(dtype) for name, values in base.items()}
        fused = dict(stored)
        for name, shape, kind in MODULES:
            whole = stored[f"{name}.weight"].astype(np.float32)
            W = whole.reshape(shape[0], -1)
            for adapter, modules in zip(ADAPTERS, drawn):
                A, B = (values.reshape(len(values), -1) for values in modules[name])
                factor = np.float32(adapter["weight"] * LAMBDA * adapter["alpha"] / adapter["r"])
                for i in range(adapter["r"]):
                    if kind in ("embedding", "conv1d"):
                        W = W + (factor * A[i])[:, None] * B[:, i][None, :]
                    else:
                        W = W + (factor * B[:, i])[:, None] * A[i][None, :]
            fused[f"{name}.weight"] = W.reshape(shape).astype(dtype)
        for what, tensors in [("base", stored), ("fused", fused)]:
            (OUT / f"{what}-{label}").mkdir(parents=True, exist_ok=True)
            save_file(tensors, OUT / f"{what}-{label}" / "model.safetensors", {"format": "pt"})
        (OUT / f"base-{label}" / "config.json").write_text('{"model_type": "pico"}\n')
    made = dict(by="tools/golden/fuse_golden.py", **{p: version(p) for p in ("numpy", "safetensors", "ml_dtypes")}, weights=[a["weight"] for a in ADAPTERS], scale=LAMBDA)
    (OUT / "made.json").write_text(json.dumps(made) + "\n")


main()
