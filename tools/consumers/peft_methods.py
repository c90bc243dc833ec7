"""What other methods of PEFT add to a tiny model: their files as PEFT saves them, and the changes of a fresh model that merges these.

  python peft_methods.py > test/golden/consumers/peft-methods.json

Each case has the config's fields, the tensors by their keys, and the delta of each module row by row: what merge_and_unload adds to its
weight, in f64. "weights" are those of the base, by module, for methods whose delta needs them, or their sizes.
"""

import importlib.metadata
import json
import tempfile
import warnings

import torch
from peft import (
    AdaLoraConfig,
    C3AConfig,
    DeloraConfig,
    GraloraConfig,
    HiraConfig,
    LoHaConfig,
    LoKrConfig,
    MissConfig,
    PeftModel,
    PveraConfig,
    RandLoraConfig,
    VBLoRAConfig,
    VeraConfig,
    get_peft_model,
)
from safetensors.torch import load_file
from transformers.pytorch_utils import Conv1D

warnings.simplefilter("ignore")
torch.manual_seed(21)


class Tiny(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.q = torch.nn.Linear(6, 8, bias=False)
        self.k = torch.nn.Linear(6, 4, bias=False)
        self.c = torch.nn.Conv2d(4, 6, 3, bias=False)
        # As in GPT-2, whose config.json says that c_fc is stored as (in, out).
        self.c_fc = Conv1D(8, 6)
        generator = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for values in self.parameters():
                values.copy_(torch.randint(-64, 65, values.shape, generator=generator) / 64)

    def forward(self, x):
        return self.q(x) + self.k(x).sum() + self.c_fc(x)


BOTH, ALL = ["q", "k"], ["q", "k", "c"]
CASES = [
    ("LoHa", LoHaConfig(r=2, alpha=3, target_modules=ALL)),
    ("LoHa with patterns", LoHaConfig(r=2, alpha=3, target_modules=BOTH, rank_pattern={"k": 3}, alpha_pattern={"q": 1})),
    ("LoHa of an effective convolution", LoHaConfig(r=2, alpha=1, target_modules=["c"], use_effective_conv2d=True)),
    ("LoKr", LoKrConfig(r=1, alpha=3, target_modules=ALL)),
    ("LoKr, both whole, which scales by alpha / r too", LoKrConfig(r=8, alpha=2, target_modules=ALL)),
    ("LoKr, both factored", LoKrConfig(r=1, alpha=2, target_modules=BOTH, decompose_both=True, decompose_factor=4)),
    ("LoKr of an effective convolution", LoKrConfig(r=1, alpha=1, target_modules=["c"], use_effective_conv2d=True)),
    ("AdaLoRA", AdaLoraConfig(init_r=3, target_r=2, lora_alpha=5, target_modules=BOTH, total_step=10)),
    ("AdaLoRA without alpha", AdaLoraConfig(init_r=3, target_r=2, lora_alpha=0, target_modules=BOTH, total_step=10)),
]
STACKED = ["q", "k", "c_fc"]
MORE = [
    ("DeLoRA", DeloraConfig(r=2, delora_lambda=15, target_modules=BOTH)),
    ("DeLoRA with patterns", DeloraConfig(r=2, target_modules=BOTH, rank_pattern={"k": 3}, lambda_pattern={"q": 4})),
    ("GraLoRA", GraloraConfig(r=4, gralora_k=2, alpha=6, target_modules=BOTH)),
    ("GraLoRA with units of the whole", GraloraConfig(r=2, gralora_k=2, hybrid_r=3, alpha=6, target_modules=BOTH)),
    ("VB-LoRA", VBLoRAConfig(r=3, num_vectors=5, vector_length=2, topk=2, target_modules=BOTH)),
    ("VB-LoRA of three vectors", VBLoRAConfig(r=1, num_vectors=6, vector_length=1, topk=3, target_modules=BOTH)),
    ("C3A", C3AConfig(block_size=2, target_modules=BOTH)),
    ("C3A of one size for each", C3AConfig(block_size=2, block_size_pattern={"k": 1}, target_modules=BOTH)),
]
BASED = [
    ("VeRA", VeraConfig(r=3, target_modules=STACKED)),
    ("PVeRA", PveraConfig(r=3, target_modules=STACKED)),
    ("RandLora", RandLoraConfig(r=2, randlora_alpha=5, target_modules=STACKED)),
    ("MiSS", MissConfig(r=2, target_modules=BOTH)),
    ("MiSS of a rank that does not divide", MissConfig(r=4, target_modules=BOTH)),
    ("MiSS as mini", MissConfig(r=2, mini_r=4, init_weights="mini", target_modules=BOTH)),
    ("MiSS as bat", MissConfig(r=2, init_weights="bat", target_modules=BOTH)),
    ("HiRA", HiraConfig(r=2, target_modules=STACKED)),
    ("HiRA with a pattern, which does not count", HiraConfig(r=2, target_modules=BOTH, rank_pattern={"k": 1})),
]
# Ranks that AdaLoRA's allocation leaves.
PATTERN = {"q.lora_E": [True, False, True], "k.lora_E": [False, False, True]}
CASES += [
    (f"{name}, ranks allocated", config.__class__(**{**config.to_dict(), "rank_pattern": None}))
    for name, config in CASES[-2:]
]


def saved(name, config, folder):
    model = get_peft_model(Tiny(), config)
    with torch.no_grad():
        for part, values in model.named_parameters():
            if values.requires_grad:
                # Of equal logits nothing says which are the largest.
                numbers = torch.randn(values.shape) if "logits" in part else torch.randint(-64, 65, values.shape) / 64
                values.copy_(numbers)
    if "allocated" in name:
        model.peft_config["default"].rank_pattern = {
            key.replace("lora_E", "lora_E.default"): mask for key, mask in PATTERN.items()
        }
    model.save_pretrained(folder)


def rows_of(model, module):
    """A module's weight as a matrix (out, in)."""
    layer = getattr(model, module)
    return (layer.weight.T if isinstance(layer, Conv1D) else layer.weight).detach()


def main():
    packages = ("peft", "torch", "transformers")
    lines = []
    for name, config in CASES + MORE + BASED:
        with tempfile.TemporaryDirectory() as folder:
            saved(name, config, folder)
            loaded = PeftModel.from_pretrained(Tiny(), folder)
            with open(f"{folder}/adapter_config.json") as file:
                fields = json.load(file)
            tensors = {key: values.tolist() for key, values in load_file(f"{folder}/adapter_model.safetensors").items()}
        modules = sorted({key.split(".")[2] for key in tensors if key.startswith("base_model.model.")})
        merged = loaded.double().merge_and_unload()
        deltas = {
            module: rows_of(merged, module) - rows_of(Tiny().double(), module) for module in modules
        }
        based = any(name == other for other, _ in BASED)
        weights = {"weights": {module: getattr(Tiny(), module).weight.tolist() for module in modules}} if based else {}
        flat = {module: delta.flatten().tolist() for module, delta in deltas.items()}
        lines.append(json.dumps({"name": name, "config": fields, "tensors": tensors, **weights, "deltas": flat}))
    versions = {package: importlib.metadata.version(package) for package in packages}
    cases = ",\n".join(lines)
    print(f'{{"versions": {json.dumps(versions)},\n"cases": [\n{cases}\n]}}')


if __name__ == "__main__":
    main()
