"""What real programs make of converted adapters: loads each into a tiny model and prints the deltas that it applies, as JSON.

    python judge.py JOBS.json [folder of ComfyUI's code]

JOBS.json: [{"id", "program": "peft" | "mlx" | "diffusers" | "comfyui", "model", "path"}]. Prints {"versions": {...}, "jobs": {id: answer}}, where an
answer is {"deltas": {module: (out, in) as nested lists, float32}} or {"refused": the program's words}.
"""

import contextlib
import importlib.metadata
import io
import json
import sys

import models
import numpy as np


def by_peft(model, path):
    from peft import PeftModel

    loaded = PeftModel.from_pretrained(model, path)
    return {name.removeprefix("base_model.model."): delta for name, delta in lora_deltas(loaded)}


def lora_deltas(model):
    """(name, delta) of every module that PEFT's layers adapt, as (out, in); of adapters that a loader left at their start, none."""
    for name, module in model.named_modules():
        if not hasattr(module, "get_delta_weight"):
            continue
        (adapter,) = module.active_adapters
        delta = module.get_delta_weight(adapter).detach().float().flatten(1).numpy()
        turned = "Embedding" in type(module).__name__ or getattr(module, "fan_in_fan_out", False)
        yield name, delta.T if turned else delta


def by_mlx(model, path):
    import mlx.core as mx
    from mlx_lm.tuner.utils import load_adapters

    deltas = {}
    for name, module in load_adapters(model, path).named_modules():
        if not hasattr(module, "lora_a"):
            continue
        a, b, scale = (np.array(x.astype(mx.float32)) for x in (module.lora_a, module.lora_b, mx.array(module.scale)))
        delta = scale * (a @ b)
        # A layer of mlx-lm starts at b = 0: what the file does not name stays there.
        if delta.any():
            deltas[name] = delta.T
    return deltas


def by_diffusers(model, path):
    """Through the loader of the pipeline that the model belongs to, which converts names and scales."""
    from diffusers.loaders import FluxLoraLoaderMixin, StableDiffusionLoraLoaderMixin

    mixin = FluxLoraLoaderMixin if type(model).__name__.startswith("Flux") else StableDiffusionLoraLoaderMixin
    state, alphas, metadata = state_of(mixin, path)
    if mixin is FluxLoraLoaderMixin:
        mixin.load_lora_into_transformer(state, alphas, model, metadata=metadata)
        component = "transformer"
    else:
        mixin.load_lora_into_unet(state, alphas, model, metadata=metadata)
        component = "unet"
    return {f"{component}.{name}": delta for name, delta in lora_deltas(model)}


def state_of(mixin, path):
    folder, _, file = path.rpartition("/")
    kind = {"return_alphas": True} if mixin.__name__.startswith("Flux") else {}
    answer = mixin.lora_state_dict(folder, weight_name=file, return_lora_metadata=True, local_files_only=True, **kind)
    state, alphas, *_, metadata = answer
    return state, alphas, metadata


def by_comfyui(model, path):
    """Its own key map and conversions; a delta is what a patch adds to a weight of zeros."""
    import torch
    from comfy.lora import calculate_weight, load_lora, model_lora_keys_unet
    from comfy.lora_convert import convert_lora
    from comfy.utils import load_torch_file

    deltas = {}
    patches = load_lora(convert_lora(load_torch_file(path, safe_load=True)), model_lora_keys_unet(model, {}))
    for key, patch in patches.items():
        name, offset = (key, None) if isinstance(key, str) else key
        zeros = torch.zeros(model.state_dict()[name].shape)
        delta = calculate_weight([(1.0, patch, 1.0, offset, None)], zeros, name).flatten(1).numpy()
        module = name.removesuffix(".weight")
        deltas[module] = deltas.get(module, 0) + delta
    return deltas


PROGRAMS = {
    "peft": (by_peft, {"llama": models.torch_llama, "gpt2": models.torch_gpt2}),
    "mlx": (by_mlx, {"llama": models.mlx_llama, "gpt2": models.mlx_gpt2, "gemma3": models.mlx_gemma3}),
    "diffusers": (by_diffusers, {"unet": models.unet, "flux": models.flux}),
    "comfyui": (by_comfyui, {"unet": models.comfy_unet, "flux": models.comfy_flux}),
}
PACKAGES = ["peft", "transformers", "torch", "diffusers", "mlx", "mlx-lm", "safetensors"]


def use_comfyui(folder):
    """Make ComfyUI's code importable, on the processor. Returns its version."""
    sys.path.insert(0, folder)
    import comfy.cli_args
    import comfyui_version

    comfy.cli_args.args.cpu = True
    return comfyui_version.__version__


def answer(job):
    load, makers = PROGRAMS[job["program"]]
    model = makers[job["model"]]()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            deltas = load(model, job["path"])
    except Exception as error:  # whatever the program says is the answer
        words = str(error).strip().splitlines()
        return {"refused": ": ".join([type(error).__name__, *words[:1]])}
    return {"deltas": {name: np.asarray(delta, np.float32).tolist() for name, delta in sorted(deltas.items())}}


def main():
    jobs_file, *comfyui = sys.argv[1:]
    with open(jobs_file) as file:
        jobs = json.load(file)
    versions = {package: importlib.metadata.version(package) for package in PACKAGES}
    if comfyui:
        versions["comfyui"] = use_comfyui(comfyui[0])
    print(json.dumps({"versions": versions, "jobs": {job["id"]: answer(job) for job in jobs}}))


if __name__ == "__main__":
    main()
