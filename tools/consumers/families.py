"""Which names of image and video models ComfyUI and diffusers find, by their own code, on models of real widths without values.

  python families.py ComfyUI < tables.json      (families.mjs passes the tables of src/families)

Files of rank 1 are made for each family and way to name its weights: of all of them, and of those that trainers adapt by default, the
attentions and MLPs of blocks. A weight is right if its rows, as the program would add them,
give the same number between two fixed vectors.
"""

import contextlib
import importlib.metadata
import io
import itertools
import json
import logging
import re
import sys

import torch

torch.set_num_threads(1)
logging.disable(logging.CRITICAL)
DOWN_UP, A_B, DEFAULT = ("lora_down", "lora_up"), ("lora_A", "lora_B"), ("lora_A.default", "lora_B.default")
# title, beginning, whose paths, underscores for dots, endings
STYLES = [
    ("lora_unet_ own", "lora_unet_", "own", True, DOWN_UP),
    ("lora_unet__ own", "lora_unet__", "own", True, DOWN_UP),
    ("lora_unet_ original", "lora_unet_", "original", True, DOWN_UP),
    ("diffusion_model. own", "diffusion_model.", "own", False, A_B),
    ("diffusion_model. own down", "diffusion_model.", "own", False, DOWN_UP),
    ("diffusion_model. original", "diffusion_model.", "original", False, A_B),
    ("transformer. own", "transformer.", "own", False, A_B),
    ("transformer. original", "transformer.", "original", False, A_B),
    ("bare own", "", "own", False, A_B),
    ("bare own default", "", "own", False, DEFAULT),
    ("diffusion_model. numbered", "diffusion_model.", "numbered", False, DOWN_UP),
    ("transformer. diffusers", "transformer.", "diffusers", False, A_B),
    ("diffusion_model. diffusers", "diffusion_model.", "diffusers", False, A_B),
    ("bare diffusers", "", "diffusers", False, A_B),
    ("lora_unet_ diffusers", "lora_unet_", "diffusers", True, DOWN_UP),
    ("lora_transformer_ diffusers", "lora_transformer_", "diffusers", True, DOWN_UP),
    ("lycoris_ diffusers", "lycoris_", "diffusers", True, DOWN_UP),
]


def filled(pattern, number):
    return pattern.replace("#", str(number))


def weights_of(table, shapes):
    """Every weight in blocks 0 and 1 that the model has, as { native name: (pattern, number, shape) }."""
    found = {}
    for weight in table["weights"]:
        for number in (0, 1) if "#" in weight["path"] else (0,):
            name = filled(weight["path"], number)
            if name in shapes:
                found[name] = (weight, number, shapes[name])
    return found


def part_rows(table, weight, shape):
    total = sum(table["rows"][part["name"]] for part in weight["parts"])
    return [shape[0] * table["rows"][part["name"]] // total for part in weight["parts"]]


def swaps(weight, shape):
    return weight["swapped"] == "always" or (weight["swapped"] == "short" and shape[0] == 2 * shape[1])


# Paths that are no attention or MLP of the blocks that trainers adapt.
MODULATION = re.compile(r"_mod\.|mod\.1|modulation|adaLN|patch|embed|txt_in|distilled")
SCOPES = {"all": lambda path: True, "blocks": lambda path: "#" in path and not MODULATION.search(path)}


class File:
    """A file in one style: its tensors, and each weight's B over all rows of the model's own order, with A."""

    def __init__(self, table, shapes, style, scope):
        _, self.beginning, self.paths, self.underscored, self.endings = style
        self.random = torch.Generator().manual_seed(7)
        self.state, self.stems = {}, {}
        for name, (weight, number, shape) in weights_of(table, shapes).items():
            if not SCOPES[scope](weight["path"]):
                continue
            if self.paths in ("own", "original") or not weight["parts"]:
                path = weight["diffusers"] if self.paths == "diffusers" else weight["path"]
                if self.paths == "original":
                    path = (weight["also"] or [path])[0]
                if path is not None:
                    self.add(filled(path, number), name, 0, shape, self.paths == "diffusers" and swaps(weight, shape))
                continue
            row = 0
            for i, (part, rows) in enumerate(zip(weight["parts"], part_rows(table, weight, shape))):
                path = part["diffusers"] if self.paths == "diffusers" else f"{weight['path']}.{i}"
                self.add(filled(path, number), name, row, (rows, *shape[1:]), False)
                row += rows

    def add(self, path, name, row, shape, swap):
        stem = self.beginning + (path.replace(".", "_") if self.underscored else path)
        a = torch.randn((1, *shape[1:]), generator=self.random)
        b = torch.randn((shape[0], 1, *[1] * (len(shape) - 2)), generator=self.random)
        down, up = self.endings
        self.state[f"{stem}.{down}.weight"], self.state[f"{stem}.{up}.weight"] = a, b
        if down == "lora_down":
            self.state[f"{stem}.alpha"] = torch.tensor(2.0)
        scale = 2.0 if down == "lora_down" else 1.0
        flat = b.flatten()
        own = torch.cat(flat.chunk(2)[::-1]) if swap else flat
        self.stems[stem] = (name, row, scale * own, a.flatten())


def probe(b, a, row=0):
    """A number that tells a rank-1 matrix: rows from `row` on, columns from 0."""
    rows = torch.arange(row, row + len(b), dtype=torch.float64)
    columns = torch.arange(len(a), dtype=torch.float64)
    return (torch.cos(rows) @ b.double()).item() * (torch.cos(columns) @ a.double()).item()


def wanted(file, names):
    found = {name: 0.0 for name in names}
    for name, row, b, a in file.stems.values():
        found[name] += probe(b, a, row)
    return found


def comfy_model(family):
    import comfy.model_base as base
    import comfy.ops

    given = dict(device="meta", dtype=torch.float32, operations=comfy.ops.disable_weight_init)
    flux = dict(depth=2, depth_single_blocks=2, patch_size=2, qkv_bias=True, axes_dim=[16, 56, 56], theta=10000, num_heads=24, hidden_size=3072, mlp_ratio=4.0)
    if family == "flux1":
        from comfy.ldm.flux.model import Flux

        config = dict(flux, in_channels=16, out_channels=16, vec_in_dim=768, context_in_dim=4096, guidance_embed=True, txt_ids_dims=[])
        return base.Flux, Flux(**config, **given), config
    if family == "flux2":
        from comfy.ldm.flux.model import Flux

        # What comfy/model_detection.py makes of the published weights.
        own = dict(patch_size=1, qkv_bias=False, ops_bias=False, axes_dim=[32, 32, 32, 32], theta=2000, num_heads=48, hidden_size=6144, mlp_ratio=3.0, mlp_silu_act=True, global_modulation=True)
        config = dict({**flux, **own}, in_channels=128, out_channels=128, vec_in_dim=None, context_in_dim=15360, guidance_embed=True, txt_ids_dims=[3])
        return base.Flux2, Flux(**config, **given), config
    if family == "chroma":
        from comfy.ldm.chroma.model import Chroma

        config = dict(flux, in_channels=64, out_channels=64, context_in_dim=4096, in_dim=64, out_dim=3072, hidden_dim=5120, n_layers=5, txt_ids_dims=[], vec_in_dim=None)
        return base.Chroma, Chroma(**config, **given), config
    if family == "hunyuan-video":
        from comfy.ldm.hunyuan_video.model import HunyuanVideo

        config = dict(flux, in_channels=16, out_channels=16, patch_size=[1, 2, 2], axes_dim=[16, 56, 56], theta=256, vec_in_dim=768, context_in_dim=4096, guidance_embed=True, byt5=False, meanflow=False, meanflow_sum=False, use_cond_type_embedding=False, vision_in_dim=None)
        return base.HunyuanVideo, HunyuanVideo(image_model=None, **config, **given), config
    if family == "wan":
        from comfy.ldm.wan.model import WanModel

        return base.WAN21, WanModel(model_type="i2v", dim=5120, ffn_dim=13824, num_heads=40, num_layers=2, **given), {}
    if family == "qwen-image":
        from comfy.ldm.qwen_image.model import QwenImageTransformer2DModel

        return base.QwenImage, QwenImageTransformer2DModel(num_layers=2, **given), {}
    if family == "lumina2":
        from comfy.ldm.lumina.model import NextDiT

        config = dict(dim=2304, n_layers=2, n_heads=24, n_kv_heads=8, axes_dims=[32, 32, 32], axes_lens=[300, 512, 512], qk_norm=True, cap_feat_dim=2304)
        return base.Lumina2, NextDiT(**config, **given), config
    if family == "z-image":
        from comfy.ldm.lumina.model import NextDiT

        config = dict(dim=3840, n_layers=2, n_heads=30, n_kv_heads=30, axes_dims=[32, 48, 48], axes_lens=[1536, 512, 512], qk_norm=True, cap_feat_dim=2560, in_channels=16, ffn_dim_multiplier=8 / 3, z_image_modulation=True, pad_tokens_multiple=32)
        return base.Lumina2, NextDiT(**config, **given), config
    if family == "sd3":
        from comfy.ldm.modules.diffusionmodules.mmdit import OpenAISignatureMMDITWrapper

        context = {"target": "torch.nn.Linear", "params": {"in_features": 4096, "out_features": 1536}}
        # depth sets the width, num_blocks the number of blocks; the last block is the short one.
        config = dict(depth=24, num_blocks=24, x_block_self_attn_layers=[0, 1])
        model = OpenAISignatureMMDITWrapper(input_size=None, pos_embed_max_size=384, adm_in_channels=2048, context_embedder_config=context, qk_norm="rms", **config, **given)
        return base.SD3, model, config
    if family == "ltx":
        from comfy.ldm.lightricks.model import LTXVModel

        return base.LTXV, LTXVModel(num_layers=2, **given), {}
    if family == "pixart":
        from comfy.ldm.pixart.pixartms import PixArtMS

        config = dict(depth=2, hidden_size=1152, num_heads=16)
        return base.PixArt, PixArtMS(input_size=128, **config, **given), config
    return None, None, None


def by_comfyui(table):
    from types import SimpleNamespace

    from comfy.lora import load_lora, model_lora_keys_unet
    from comfy.lora_convert import convert_lora

    kind, model, config = comfy_model(table["id"])
    if kind is None:
        return
    holder = kind.__new__(kind)
    torch.nn.Module.__init__(holder)
    holder.diffusion_model = model
    holder.model_config = SimpleNamespace(unet_config=config)
    shapes = {k.removesuffix(".weight"): tuple(v.shape) for k, v in model.state_dict().items() if v.dim() > 1}
    keys = model_lora_keys_unet(holder, {})
    for style, scope in itertools.product(STYLES, SCOPES):
        file = File(table, shapes, style, scope)
        got = {}
        for key, patch in load_lora(convert_lora(dict(file.state)), keys).items():
            name, offset, function = (key, None, None) if isinstance(key, str) else (*key, None)[:3]
            up, down, alpha, *_ = patch.weights
            b = up.flatten() * (1 if alpha is None else alpha)
            # Only halves are ever swapped.
            b = torch.cat(b.chunk(2)[::-1]) if function is not None else b
            name = name.removeprefix("diffusion_model.").removesuffix(".weight")
            got[name] = got.get(name, 0.0) + probe(b, down.flatten(), offset[1] if offset else 0)
        yield style[0], scope, wanted(file, {name for name, *_ in file.stems.values()}), got


DIFFUSERS = {
    "flux1": ("FluxTransformer2DModel", "FluxLoraLoaderMixin", dict(num_layers=2, num_single_layers=2, guidance_embeds=True)),
    "chroma": ("ChromaTransformer2DModel", "FluxLoraLoaderMixin", dict(num_layers=2, num_single_layers=2)),
    "flux2": ("Flux2Transformer2DModel", "Flux2LoraLoaderMixin", dict(num_layers=2, num_single_layers=2)),
    "wan": ("WanTransformer3DModel", "WanLoraLoaderMixin", dict(num_layers=2, image_dim=1280, added_kv_proj_dim=5120)),
    "qwen-image": ("QwenImageTransformer2DModel", "QwenImageLoraLoaderMixin", dict(num_layers=2)),
    "z-image": ("ZImageTransformer2DModel", "ZImageLoraLoaderMixin", dict(n_layers=2)),
    "lumina2": ("Lumina2Transformer2DModel", "Lumina2LoraLoaderMixin", dict(num_layers=2)),
    "hunyuan-video": ("HunyuanVideoTransformer3DModel", "HunyuanVideoLoraLoaderMixin", dict(num_layers=2, num_single_layers=2)),
    "sd3": ("SD3Transformer2DModel", "SD3LoraLoaderMixin", dict(num_layers=2, num_attention_heads=24, caption_projection_dim=1536, dual_attention_layers=(0,))),
    "ltx": ("LTXVideoTransformer3DModel", "LTXVideoLoraLoaderMixin", dict(num_layers=2)),
}


def own_shapes(table, model):
    """Shapes of the model's own weights, from those of diffusers' parts."""
    there = {name: tuple(module.weight.shape) for name, module in model.named_modules() if getattr(module, "weight", None) is not None and module.weight.dim() > 1}
    shapes = {}
    for weight in table["weights"]:
        for number in (0, 1):
            parts = [filled(part["diffusers"], number) for part in weight["parts"]]
            whole = filled(weight["diffusers"], number) if weight["diffusers"] else None
            if whole in there:
                shapes[filled(weight["path"], number)] = there[whole]
            elif parts and all(part in there for part in parts):
                rows = sum(there[part][0] for part in parts)
                shapes[filled(weight["path"], number)] = (rows, *there[parts[0]][1:])
    return there, shapes


def by_diffusers(table):
    import diffusers
    import diffusers.loaders

    if table["id"] not in DIFFUSERS:
        return
    kind, mixin, config = DIFFUSERS[table["id"]]
    with torch.device("meta"):
        model = getattr(diffusers, kind)(**config)
    mixin = getattr(diffusers.loaders, mixin)
    there, shapes = own_shapes(table, model)
    places = {}
    for name, (weight, number, shape) in weights_of(table, shapes).items():
        if weight["parts"]:
            row = 0
            for part, rows in zip(weight["parts"], part_rows(table, weight, shape)):
                places[filled(part["diffusers"], number)] = (name, row, False)
                row += rows
        else:
            places[filled(weight["diffusers"], number)] = (name, 0, swaps(weight, shape))
    for style, scope in itertools.product(STYLES, SCOPES):
        file = File(table, shapes, style, scope)
        want = wanted(file, {name for name, *_ in file.stems.values()})
        try:
            answer = mixin.lora_state_dict(dict(file.state), **({"return_alphas": True} if "Flux" in mixin.__name__ and "2" not in mixin.__name__ else {}))
        except Exception as error:  # whatever it says is the answer
            yield style[0], scope, want, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            continue
        state, alphas = answer if isinstance(answer, tuple) else (answer, None)
        got = {}
        for key, a in state.items():
            if not key.endswith(".lora_A.weight"):
                continue
            module = key.removesuffix(".lora_A.weight").removeprefix("transformer.")
            b = state[key.replace("lora_A", "lora_B")].flatten()
            if not key.startswith("transformer.") or module not in places or there[module] != (len(b), *a.shape[1:]):
                continue
            alpha = (alphas or {}).get(key.replace(".lora_A.weight", ".alpha"))
            name, row, swap = places[module]
            b = torch.cat(b.chunk(2)[::-1]) if swap else b
            rank = a.shape[0]
            for unit in range(rank):
                part = state[key.replace("lora_A", "lora_B")].flatten(1)[:, unit] * (1 if alpha is None else float(alpha) / rank)
                part = torch.cat(part.chunk(2)[::-1]) if swap else part
                got[name] = got.get(name, 0.0) + probe(part, a[unit].flatten(), row)
        yield style[0], scope, want, got


def main():
    sys.path.insert(0, sys.argv[1])
    import comfy.cli_args
    import comfyui_version

    comfy.cli_args.args.cpu = True
    tables = json.load(sys.stdin)
    facts = []
    for program, judge in (("comfyui", by_comfyui), ("diffusers", by_diffusers)):
        for table in tables:
            with contextlib.redirect_stdout(io.StringIO()):
                answers = list(judge(table))
            names = {name for _, _, want, _ in answers for name in want}
            weights = [weight["path"] for weight in table["weights"] if filled(weight["path"], 1) in names or weight["path"] in names]
            for style, scope, want, got in answers:
                fact = {"family": table["id"], "program": program, "style": style, "scope": scope, "of": len(want), "weights": weights}
                if isinstance(got, str):
                    facts.append({**fact, "right": 0, "refused": got})
                    continue
                close = lambda name: name in got and abs(got[name] - want[name]) <= 1e-3 * max(1.0, abs(want[name]))
                facts.append({**fact, "right": sum(map(close, want))})
    versions = {"comfyui": comfyui_version.__version__, "diffusers": importlib.metadata.version("diffusers")}
    print(json.dumps({"versions": versions, "facts": facts}))


if __name__ == "__main__":
    main()
