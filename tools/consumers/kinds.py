"""Adapters of the newer kinds of PEFT, as PEFT saves them, and the logits of tiny models with them.

    python kinds.py save FOLDER       writes one PEFT folder for each of ADAPTERS, and the base model
    python kinds.py init FOLDER       trains from PiSSA and OLoRA, and writes the adapters before, after, and as PEFT converts them to plain LoRA
    python kinds.py judge JOBS.json   prints the answers as JSON: logits, a row for each token

JOBS.json: [{"id", "path"}] asks for the logits of the tiny model with the adapter at a path, loaded by PEFT. [{"id", "terms": [[path, c]]}] asks for
those of the base plus the sum of c times what each adapter changes: PEFT merges each of them into the model by itself (merge_and_unload). "rows"
is {token: path}: rows of the embedding that are one adapter's. [{"id", "stacked": [[path, c]]}] asks for those with one adapter of all units
side by side, loaded by PEFT with the config of the first.
"""

import importlib.metadata
import json
import sys
import warnings

import torch
from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file
from seeded import seeded
from transformers import Qwen2Config, Qwen2ForCausalLM

warnings.simplefilter("ignore")

TOKENS = torch.tensor([[1, 5, 9, 2, 14, 7]])
EMBEDDING = "model.embed_tokens.weight"
SHARED = dict(target_modules=["q_proj", "v_proj"])
# Two tokens of TOKENS; the adapter acts from there on.
ACTIVATED = dict(task_type="CAUSAL_LM", alora_invocation_tokens=[9, 2])
ADAPTERS = {
    "bias-one": dict(**SHARED, r=2, lora_alpha=4, lora_bias=True),
    "bias-two": dict(**SHARED, r=3, lora_alpha=5, lora_bias=True, use_rslora=True),
    "alora-one": dict(**SHARED, r=2, lora_alpha=4, **ACTIVATED),
    "alora-two": dict(**SHARED, r=3, lora_alpha=5, **ACTIVATED),
    "dora-one": dict(**SHARED, r=2, lora_alpha=4, use_dora=True),
    "dora-two": dict(**SHARED, r=3, lora_alpha=5, use_dora=True, use_rslora=True),
    "head-one": dict(**SHARED, r=2, lora_alpha=4, modules_to_save=["lm_head"]),
    "head-two": dict(**SHARED, r=3, lora_alpha=5, modules_to_save=["lm_head"]),
    "tokens-one": dict(**SHARED, r=2, lora_alpha=4, trainable_token_indices={"embed_tokens": [5, 1]}),
    "tokens-two": dict(**SHARED, r=3, lora_alpha=5, trainable_token_indices=[5, 9]),
}
INITS = {
    "pissa": dict(**SHARED, r=2, lora_alpha=3, init_lora_weights="pissa"),
    "olora": dict(**SHARED, r=3, lora_alpha=4, init_lora_weights="olora", use_rslora=True),
}


def tiny():
    """The same weights at every call; queries, keys and values have biases."""
    sizes = dict(hidden_size=8, intermediate_size=12, num_hidden_layers=2, num_attention_heads=2, vocab_size=16)
    return seeded(Qwen2ForCausalLM(Qwen2Config(**sizes, num_key_value_heads=1, tie_word_embeddings=False)))


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
    tiny().save_pretrained(f"{folder}/base")


def save_inits(folder):
    """Training stands for random changes of the factors. The tiny base is changed by the initialisation; that base is not needed any more."""
    generator = torch.Generator().manual_seed(7)
    for name, fields in INITS.items():
        model = get_peft_model(tiny(), LoraConfig(**fields))
        config = model.peft_config["default"]
        config.base_model_name_or_path = "tiny"
        config.target_modules = sorted(fields["target_modules"])
        config.init_lora_weights = True
        model.save_pretrained(f"{folder}/{name}-before")
        config.init_lora_weights = fields["init_lora_weights"]
        with torch.no_grad():
            for key, values in model.named_parameters():
                if "lora_" in key:
                    values.add_(torch.randint(-64, 65, values.shape, generator=generator) / 64)
        model.save_pretrained(f"{folder}/{name}-after")
        model.save_pretrained(f"{folder}/{name}-plain", path_initial_model_for_weight_conversion=f"{folder}/{name}-before")


def summed(terms, rows):
    base = tiny()
    total = {key: values.double() for key, values in base.state_dict().items()}
    for path, factor in terms:
        merged = PeftModel.from_pretrained(tiny(), path).merge_and_unload().state_dict()
        for key, values in base.state_dict().items():
            total[key] += factor * (merged[key].double() - values.double())
    for token, path in rows.items():
        merged = PeftModel.from_pretrained(tiny(), path).merge_and_unload().state_dict()
        total[EMBEDDING][int(token)] = merged[EMBEDDING][int(token)].double()
    base.load_state_dict({key: values.float() for key, values in total.items()})
    return base


def stacked(terms):
    """A of all adapters below each other, and c s B side by side."""
    configs = [LoraConfig.from_pretrained(path) for path, _ in terms]
    files = [load_file(f"{path}/adapter_model.safetensors") for path, _ in terms]
    tensors = {}
    for key in files[0]:
        if "lora_A" in key:
            tensors[key] = torch.cat([file[key] for file in files])
            continue
        scaled = [c * config.lora_alpha / config.r * file[key] for (_, c), config, file in zip(terms, configs, files)]
        tensors[key] = torch.cat(scaled, dim=1)
    config = configs[0]
    config.r = config.lora_alpha = sum(one.r for one in configs)
    model = get_peft_model(tiny(), config)
    missing = set_peft_model_state_dict(model, tensors).missing_keys
    assert not any("lora_" in key for key in missing)
    return model.eval()


def modelled(job):
    if "path" in job:
        return PeftModel.from_pretrained(tiny(), job["path"])
    return stacked(job["stacked"]) if "stacked" in job else summed(job["terms"], job["rows"])


def logits(job):
    model = modelled(job)
    with torch.no_grad():
        return model(input_ids=TOKENS).logits[0].tolist()


def main():
    mode, place = sys.argv[1:]
    if mode in ("save", "init"):
        return (save if mode == "save" else save_inits)(place)
    with open(place) as file:
        jobs = json.load(file)
    versions = {name: importlib.metadata.version(name) for name in ("peft", "transformers", "torch")}
    print(json.dumps({"versions": versions, "answers": {job["id"]: logits(job) for job in jobs}}))


if __name__ == "__main__":
    main()
