"""What PEFT's LoHa, LoKr and AdaLoRA add to a tiny model: their files as PEFT saves them, and the deltas of a fresh model that loads these.

  python peft_methods.py > test/golden/consumers/peft-methods.json

Each case has the config's fields, the tensors by their keys, and the delta of each module row by row.
"""

import importlib.metadata
import json
import tempfile
import warnings

import torch
from peft import AdaLoraConfig, LoHaConfig, LoKrConfig, PeftModel, get_peft_model
from safetensors.torch import load_file

warnings.simplefilter("ignore")
torch.manual_seed(21)


class Tiny(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.q = torch.nn.Linear(6, 8, bias=False)
        self.k = torch.nn.Linear(6, 4, bias=False)
        self.c = torch.nn.Conv2d(4, 6, 3, bias=False)

    def forward(self, x):
        return self.q(x) + self.k(x).sum()


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
            if any(word in part for word in ("hada_", "lokr_", "lora_")):
                values.copy_(torch.randint(-64, 65, values.shape) / 64)
    if "allocated" in name:
        model.peft_config["default"].rank_pattern = {
            key.replace("lora_E", "lora_E.default"): mask for key, mask in PATTERN.items()
        }
    model.save_pretrained(folder)


def main():
    packages = ("peft", "torch", "transformers")
    lines = []
    for name, config in CASES:
        with tempfile.TemporaryDirectory() as folder:
            saved(name, config, folder)
            loaded = PeftModel.from_pretrained(Tiny(), folder)
            with open(f"{folder}/adapter_config.json") as file:
                fields = json.load(file)
            tensors = {key: values.tolist() for key, values in load_file(f"{folder}/adapter_model.safetensors").items()}
        deltas = {
            module.removeprefix("base_model.model."): layer.get_delta_weight("default").detach().flatten().tolist()
            for module, layer in loaded.named_modules()
            if hasattr(layer, "get_delta_weight")
        }
        lines.append(json.dumps({"name": name, "config": fields, "tensors": tensors, "deltas": deltas}))
    versions = {package: importlib.metadata.version(package) for package in packages}
    cases = ",\n".join(lines)
    print(f'{{"versions": {json.dumps(versions)},\n"cases": [\n{cases}\n]}}')


if __name__ == "__main__":
    main()
