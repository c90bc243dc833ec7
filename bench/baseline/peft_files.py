"""Reading and writing PEFT folders with numpy; what the three scripts beside it share. Needs safetensors and ml_dtypes."""

import json
import os
import re
from pathlib import Path

import ml_dtypes  # its import teaches numpy the names bfloat16 and float8_*
from safetensors import safe_open
from safetensors.numpy import save_file

KEY = re.compile(r"(?:base_model\.model\.)?(.+)\.lora_(?:embedding_)?([AB])(?:\.weight)?")


def only(folder, pattern):
    """The one file of that pattern: names may carry a suffix, as in "adapter_model (1).safetensors"."""
    found = sorted(Path(folder).glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"{folder}: {len(found)} files {pattern}, expected one")
    return found[0]


def pattern_value(patterns, module, default):
    """rank_pattern / alpha_pattern: the first pattern that matches the end of the module's name wins."""
    for key, value in (patterns or {}).items():
        if re.match(rf"(.*\.)?({key})$", module):
            return value
    return default


class Adapter:
    """One folder: `keys` is {module: {"A": tensor name, "B": tensor name}}; tensors are read when asked for."""

    def __init__(self, folder):
        self.config = json.loads(only(folder, "adapter_config*.json").read_text())
        self.file = safe_open(only(folder, "adapter_model*.safetensors"), framework="numpy")
        self.keys = {}
        for name in self.file.keys():
            if match := KEY.fullmatch(name):
                self.keys.setdefault(match[1], {})[match[2]] = name

    def factors(self, module, dtype):
        """A (r, in) and B (out, r) as `dtype`, convolutions flattened."""
        A, B = (self.file.get_tensor(self.keys[module][half]).astype(dtype) for half in "AB")
        return A.reshape(len(A), -1), B.reshape(len(B), -1)

    def scale(self, module, rank):
        alpha = pattern_value(self.config.get("alpha_pattern"), module, self.config.get("lora_alpha", 8))
        return alpha / (rank**0.5 if self.config.get("use_rslora") else rank)


def modules_of(adapters):
    """The union of their modules, in order of first meeting."""
    return list(dict.fromkeys(module for adapter in adapters for module in adapter.keys))


def write(folder, tensors, config):
    """bf16 safetensors and config, on the disk when this returns."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: t.astype(ml_dtypes.bfloat16) for name, t in tensors.items()}, folder / "adapter_model.safetensors", {"format": "pt"})
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    for path in [*folder.glob("adapter_*"), folder]:
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
