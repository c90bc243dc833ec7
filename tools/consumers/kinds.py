"""Adapters of the newer kinds of PEFT, as PEFT saves them, and the logits of tiny models with them.

    python kinds.py save FOLDER       writes one PEFT folder for each of ADAPTERS
    python kinds.py judge JOBS.json   prints the answers as JSON: logits, a row for each token

JOBS.json: [{"id", "path"}] asks for the logits of the tiny model with the adapter at a path, loaded by PEFT. [{"id", "terms": [[path, c]]}] asks for
those of the base plus the sum of c times what each adapter changes: PEFT merges each of them into the model by itself (merge_and_unload).
"""

import importlib.metadata
import json
import sys
import warnings

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import Qwen2Config, Qwen2ForCausalLM

warnings.simplefilter("ignore")

TOKENS = torch.tensor([[1, 5, 9, 2, 14, 7]])
SHARED = dict(target_modules=["q_proj", "v_proj"])
ADAPTERS = {
    "bias-one": dict(**SHARED, r=2, lora_alpha=4, lora_bias=True),
    "bias-two": dict(**SHARED, r=3, lora_alpha=5, lora_bias=True, use_rslora=True),
}


def tiny():
    """The same weights at every call; queries, keys and values have biases."""
    sizes = dict(hidden_size=8, intermediate_size=12, num_hidden_layers=2, num_attention_heads=2, vocab_size=16)
    model = Qwen2ForCausalLM(Qwen2Config(**sizes, num_key_value_heads=1, tie_word_embeddings=False)).eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for _, weight in sorted(model.named_parameters()):
            weight.copy_(torch.randn(weight.shape, generator=generator) / 2)
    return model


def save(folder):
    generator = torch.Generator().manual_seed(5)
    for name, fields in ADAPTERS.items():
        model = get_peft_model(tiny(), LoraConfig(**fields))
        with torch.no_grad():
            for key, values in model.named_parameters():
                if values.requires_grad:
                    values.copy_(torch.randint(-64, 65, values.shape, generator=generator) / 64)
        config = model.peft_config["default"]
        config.base_model_name_or_path = "tiny"
        config.target_modules = sorted(fields["target_modules"])
        model.save_pretrained(f"{folder}/{name}")


def summed(terms):
    base = tiny()
    total = {key: values.double() for key, values in base.state_dict().items()}
    for path, factor in terms:
        merged = PeftModel.from_pretrained(tiny(), path).merge_and_unload().state_dict()
        for key, values in base.state_dict().items():
            total[key] += factor * (merged[key].double() - values.double())
    base.load_state_dict({key: values.float() for key, values in total.items()})
    return base


def logits(job):
    model = PeftModel.from_pretrained(tiny(), job["path"]) if "path" in job else summed(job["terms"])
    with torch.no_grad():
        return model(input_ids=TOKENS).logits[0].tolist()


def main():
    mode, place = sys.argv[1:]
    if mode == "save":
        return save(place)
    with open(place) as file:
        jobs = json.load(file)
    versions = {name: importlib.metadata.version(name) for name in ("peft", "transformers", "torch")}
    print(json.dumps({"versions": versions, "answers": {job["id"]: logits(job) for job in jobs}}))


if __name__ == "__main__":
    main()
