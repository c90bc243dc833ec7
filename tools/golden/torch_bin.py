"""Write test/golden/torch/<version>/*: small checkpoints by torch.save, and manifest.json saying what they hold.

    /usr/bin/python3 tools/golden/torch_bin.py            # Debian 12: apt-get install python3-torch, 1.13
    debootstrap --variant=minbase --include=python3-torch trixie /tmp/trixie    # Debian 13: 2.6
    chroot /tmp/trixie python3 - /golden < tools/golden/torch_bin.py

Runs with torch 1.13 and 2.6; dtypes that a version does not know are left out of its files. `tensors` of the manifest
has the bytes of every tensor that is to be read, row-major, as hex; files without it are to be refused.
"""

import json
import platform
import sys
from collections import OrderedDict
from pathlib import Path

import torch

VERSION = ".".join(torch.__version__.split(".")[:2])
OUT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "test/golden/torch") / VERSION

# What safetensors calls the dtypes.
DTYPES = {
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "float64": "F64",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
    "complex64": "C64",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
}


def values(*shape):
    return (torch.randn(*shape) * 8).round() / 8


def every_dtype():
    known = {name: getattr(torch, name) for name in DTYPES if hasattr(torch, name)}
    return {name: values(3, 2).abs().to(dtype) for name, dtype in known.items()}


def adapter():
    prefix = "base_model.model.model.layers.0.self_attn.q_proj"
    return {f"{prefix}.lora_A.weight": values(2, 6), f"{prefix}.lora_B.weight": values(4, 2)}


def module():
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    return net.state_dict()


def parameters():
    return OrderedDict((name, torch.nn.Parameter(tensor)) for name, tensor in adapter().items())


def views():
    whole = torch.arange(24, dtype=torch.float32)
    table = whole.view(4, 6)
    return {
        "whole": whole,
        "again": whole,
        "rows": table[1:3],
        "reshaped": whole[12:].view(2, 3, 2),
        "one-column-of-one-row": table[2:3, 1:2],
        "column-as-row": values(5, 1).t(),
        "first-of-many": table[:, :1][:1],
        "scalar": torch.tensor(2.5),
        "one-of-them": whole[7],
        "empty": torch.zeros(0, 4),
        "empty-view": whole[24:],
        "empty-transposed": torch.zeros(3, 0, 2).transpose(0, 2),
    }


def training_run():
    layer = torch.nn.Linear(3, 2)
    adam = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 3)).sum().backward()
    adam.step()
    return {"epoch": 3, "loss": 0.5, "model": layer.state_dict(), "optimizer": adam.state_dict()}


READ = {
    "adapter": (adapter, {}),
    "adapter-protocol-4": (adapter, {"pickle_protocol": 4}),
    "adapter-protocol-5": (adapter, {"pickle_protocol": 5}),
    "every-dtype": (every_dtype, {}),
    "module": (module, {}),
    "parameters": (parameters, {}),
    "views": (views, {}),
    "wrapped": (lambda: {"state_dict": OrderedDict(adapter())}, {}),
}
REFUSED = {
    "transposed": (lambda: {"plain": values(3, 2), "transposed": values(3, 2).t()}, {}),
    "sliced": (lambda: {"sliced": values(3, 4)[:, 1:3]}, {}),
    "expanded": (lambda: {"expanded": values(1, 4).expand(3, 4)}, {}),
    "training-run": (training_run, {}),
    "tensor-alone": (lambda: values(3), {}),
    "list-of-tensors": (lambda: [values(3)], {}),
    "numbers": (lambda: {"a": values(2), "rank": 8}, {}),
    "whole-module": (lambda: torch.nn.Linear(2, 2), {}),
    "conjugate": (lambda: {"a": torch.ones(2, dtype=torch.complex64).conj()}, {}),
    "sparse": (lambda: {"a": torch.eye(2).to_sparse()}, {}),
    "old-format": (adapter, {"_use_new_zipfile_serialization": False}),
    "old-format-protocol-4": (adapter, {"_use_new_zipfile_serialization": False, "pickle_protocol": 4}),
}
if VERSION.startswith("1."):
    del REFUSED["conjugate"]  # saved without its flag, as torch.load gives it back


def described(tensor):
    plain = tensor.detach().contiguous().reshape(-1)
    raw = bytes(plain.view(torch.uint8).tolist()) if plain.numel() else b""
    return {"dtype": DTYPES[str(tensor.dtype)[6:]], "shape": list(tensor.shape), "hex": raw.hex()}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    files = {}
    for name, (make, options) in READ.items():
        holds = make()
        torch.save(holds, OUT / f"{name}.bin", **options)
        tensors = holds.get("state_dict", holds)
        files[name] = {"tensors": {key: described(tensor) for key, tensor in tensors.items()}}
    for name, (make, options) in REFUSED.items():
        torch.save(make(), OUT / f"{name}.bin", **options)
        files[name] = {}
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), OUT / "script.bin")
    files["script"] = {}
    manifest = {
        "generator": "tools/golden/torch_bin.py",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "files": files,
    }
    (OUT / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


main()
