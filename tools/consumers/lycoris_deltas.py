"""What ComfyUI and LyCORIS make of LyCORIS' tensors: small modules with random values, and the deltas that the programs' own code applies.

  python lycoris_deltas.py ComfyUI > test/golden/consumers/lycoris.json

Each case has its tensors by what stands behind the module's name, the shape of the weight, and the delta row by row: what ComfyUI's
`calculate_weight` adds to a weight of zeros, or where that stops with an error ("comfyui" is false), what LyCORIS computes. Where both
compute one, they must agree.
"""

import importlib.metadata
import json
import sys
import unittest.mock

import judge
import torch

torch.manual_seed(20)


def values(*shape):
    return torch.randint(-64, 65, shape).float() / 64


# name, shape of the weight, alpha (None where the file has none), tensors
CASES = [
    ("LoKr, both whole", (6, 10), 9999999999.0, {"lokr_w1": values(2, 5), "lokr_w2": values(3, 2)}),
    (
        "LoKr, w2 factored",
        (12, 15),
        1.0,
        {"lokr_w1": values(3, 3), "lokr_w2_a": values(4, 2), "lokr_w2_b": values(2, 5)},
    ),
    (
        "LoKr, w1 factored",
        (12, 15),
        3.0,
        {"lokr_w1_a": values(4, 2), "lokr_w1_b": values(2, 3), "lokr_w2": values(3, 5)},
    ),
    (
        "LoKr, both factored at two sizes",
        (20, 18),
        1.0,
        {
            "lokr_w1_a": values(4, 2),
            "lokr_w1_b": values(2, 3),
            "lokr_w2_a": values(5, 3),
            "lokr_w2_b": values(3, 6),
        },
    ),
    (
        "LoKr without alpha",
        (8, 8),
        None,
        {"lokr_w1": values(2, 2), "lokr_w2_a": values(4, 2), "lokr_w2_b": values(2, 4)},
    ),
    ("LoKr of a convolution, whole", (6, 4, 3, 3), 1.0, {"lokr_w1": values(2, 2), "lokr_w2": values(3, 2, 3, 3)}),
    (
        "LoKr of a convolution, flat",
        (8, 4, 3, 3),
        1.0,
        {"lokr_w1": values(2, 2), "lokr_w2_a": values(4, 2), "lokr_w2_b": values(2, 2 * 9)},
    ),
    (
        "LoKr of a convolution, Tucker",
        (8, 6, 3, 3),
        1.0,
        {
            "lokr_w1": values(2, 2),
            "lokr_t2": values(2, 2, 3, 3),
            "lokr_w2_a": values(2, 4),
            "lokr_w2_b": values(2, 3),
        },
    ),
    (
        "LoHa",
        (7, 9),
        1.0,
        {
            "hada_w1_a": values(7, 2),
            "hada_w1_b": values(2, 9),
            "hada_w2_a": values(7, 2),
            "hada_w2_b": values(2, 9),
        },
    ),
    (
        "LoHa of more units than columns, without alpha",
        (9, 5),
        None,
        {
            "hada_w1_a": values(9, 3),
            "hada_w1_b": values(3, 5),
            "hada_w2_a": values(9, 3),
            "hada_w2_b": values(3, 5),
        },
    ),
    (
        "LoHa of a convolution, Tucker",
        (5, 3, 3, 3),
        1.0,
        {
            "hada_t1": values(2, 2, 3, 3),
            "hada_w1_a": values(2, 5),
            "hada_w1_b": values(2, 3),
            "hada_t2": values(2, 2, 3, 3),
            "hada_w2_a": values(2, 5),
            "hada_w2_b": values(2, 3),
        },
    ),
    (
        "LoCon with a middle",
        (5, 3, 3, 3),
        1.0,
        {
            "lora_up.weight": values(5, 2, 1, 1),
            "lora_mid.weight": values(2, 2, 3, 3),
            "lora_down.weight": values(2, 3, 1, 1),
        },
    ),
    ("LoKr with alpha 0", (4, 4), 0.0, {"lokr_w1": values(2, 2), "lokr_w2_a": values(2, 1), "lokr_w2_b": values(1, 2)}),
]


def in_comfyui(shape, alpha, tensors):
    """The delta of one module; None where ComfyUI logs an error and leaves the weight as it is."""
    from comfy.lora import calculate_weight, load_lora

    file = {f"lora_unet_x.{part}": tensor for part, tensor in tensors.items()}
    if alpha is not None:
        file["lora_unet_x.alpha"] = torch.tensor(alpha)
    patch = load_lora(file, {"lora_unet_x": "x.weight"})["x.weight"]
    with unittest.mock.patch("logging.error") as error:
        delta = calculate_weight([(1.0, patch, 1.0, None, None)], torch.zeros(shape), "x.weight")
    return None if error.called else delta


def in_lycoris(shape, alpha, tensors):
    """The delta by the library's functions, times alpha over the inner size that each case was made with."""
    from lycoris.functional import locon, loha, lokr

    kind = next(iter(tensors)).partition("_")[0]
    part = tensors.get
    if kind == "lokr":
        names = ("lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2")
        delta = lokr.kron_weight(*map(part, names))
        inner = next((part(name) for name in ("lokr_w2_b", "lokr_w1_b") if name in tensors), None)
    elif kind == "hada":
        names = ("hada_w1_b", "hada_w1_a", "hada_w2_b", "hada_w2_a", "hada_t1", "hada_t2")
        delta = loha.diff_weight(*map(part, names))
        inner = part("hada_w1_b")
    else:
        delta = locon.diff_weight(part("lora_down.weight"), part("lora_up.weight"), part("lora_mid.weight"))
        inner = part("lora_down.weight")
    scale = 1 if alpha is None or inner is None else alpha / inner.shape[0]
    return (scale * delta).reshape(shape)


def main():
    versions = {name: importlib.metadata.version(name) for name in ("torch", "lycoris-lora")}
    versions["comfyui"] = judge.use_comfyui(sys.argv[1])
    lines = []
    for name, shape, alpha, tensors in CASES:
        ours, theirs = in_lycoris(shape, alpha, tensors), in_comfyui(shape, alpha, tensors)
        if theirs is not None:
            torch.testing.assert_close(ours, theirs)
        case = {
            "name": name,
            "shape": shape,
            "alpha": alpha,
            "tensors": {part: tensor.tolist() for part, tensor in tensors.items()},
            "comfyui": theirs is not None,
            "delta": (ours if theirs is None else theirs).flatten().tolist(),
        }
        lines.append(json.dumps(case))
    cases = ",\n".join(lines)
    print(f'{{"versions": {json.dumps(versions)},\n"cases": [\n{cases}\n]}}')


if __name__ == "__main__":
    main()
