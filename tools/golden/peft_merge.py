"""Write test/golden/peft-merge.json, peft-svd.json and peft-clamp.json: what PEFT's own code makes of tiny adapters.

    apt-get install -y python3-torch
    pip install --no-deps --target /tmp/peft peft==0.21.2
    PYTHONPATH=/tmp/peft /usr/bin/python3 tools/golden/peft_merge.py [folder]

PEFT's merge_utils.py is loaded as it stands, and LoraModel's two methods that merge one module, on factors and on deltas
(_generalized_... and _svd_generalized_task_arithmetic_weighted_adapter), are cut out of its lora/model.py, so that neither transformers nor accelerate is needed. The layers are stand-ins that hold what that method
reads: lora_A / lora_B (or lora_embedding_A / _B) and scaling. Masks are recorded where PEFT draws them. A and B are
multiples of 1/64 with distinct magnitudes inside a tensor (torch.topk does not say which of equals it keeps).
"""

import ast
import importlib.metadata
import importlib.util
import json
import math
import platform
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace

import torch

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "test/golden")
SEED = 20240227
ROOT = Path(importlib.util.find_spec("peft").origin).parent


class Conv2d(SimpleNamespace):
    """What the method on deltas asks a convolution for."""


def load_peft(name):
    """A real method, its globals being the real merge_utils."""
    spec = importlib.util.spec_from_file_location("merge_utils", ROOT / "utils/merge_utils.py")
    utils = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(utils)
    source = (ROOT / "tuners/lora/model.py").read_text()
    method = next(n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef) and n.name == name)
    namespace = dict(vars(utils), math=math, Conv2d=Conv2d)
    exec(compile(ast.Module([method], []), str(ROOT / "tuners/lora/model.py"), "exec"), namespace)
    return namespace[name]


MERGE = load_peft("_generalized_task_arithmetic_weighted_adapter")
MERGE_DELTAS = load_peft("_svd_generalized_task_arithmetic_weighted_adapter")
drawn = []
bernoulli = torch.bernoulli


def recording(probabilities):
    drawn.append(bernoulli(probabilities))
    return drawn[-1]


torch.bernoulli = recording


def factor(shape):
    """Distinct magnitudes, random signs."""
    n = math.prod(shape)
    values = (torch.randperm(n) + 1) / 64 * torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    return values.reshape(shape)


def linear(rank, inputs, out):
    return lambda: (factor((rank, inputs)), factor((out, rank)))


def conv(rank, inputs, out, kernel):
    return lambda: (factor((rank, inputs, kernel, kernel)), factor((out, rank, 1, 1)))


def merge(kind, adapters, combination, density, majority):
    names = [str(t) for t in range(len(adapters))]
    weight = lambda half: {n: SimpleNamespace(weight=SimpleNamespace(data=a[half])) for n, a in zip(names, adapters)}
    bare = lambda half: {n: torch.nn.Parameter(a[half]) for n, a in zip(names, adapters)}
    embedding = kind == "embedding"
    layer = SimpleNamespace(
        lora_A={} if embedding else weight("A"),
        lora_B={} if embedding else weight("B"),
        lora_embedding_A=bare("A") if embedding else {},
        lora_embedding_B=bare("B") if embedding else {},
        scaling={n: a["scale"] for n, a in zip(names, adapters)},
    )
    return MERGE(None, combination, names, [a["weight"] for a in adapters], layer, density, majority)


def delta_of(kind, adapter):
    """get_delta_weight of lora/layer.py, in the shape of the base layer's weight."""
    A, B, scale = adapter["A"], adapter["B"], adapter["scale"]
    if kind == "embedding":
        return (B @ A).T * scale
    if kind == "conv":
        return torch.nn.functional.conv2d(A.permute(1, 0, 2, 3), B).permute(1, 0, 2, 3) * scale
    return B @ A * scale


def flat(kind, tensor):
    """As (out, in), whatever the base layer's shape."""
    return tensor.T if kind == "embedding" else tensor.flatten(1)


def merge_deltas(kind, adapters, combination, rank, density, majority, clamp=None):
    """The merged delta (out, in), cut to `rank`."""
    names = [str(t) for t in range(len(adapters))]
    held = {name: None for name in names}
    make = Conv2d if kind == "conv" else SimpleNamespace
    layer = make(
        lora_A={} if kind == "embedding" else held,
        lora_embedding_A=held if kind == "embedding" else {},
        get_delta_weight=lambda name: delta_of(kind, adapters[int(name)]),
        weight=torch.empty(delta_of(kind, adapters[0]).shape),
    )
    A, B = adapters[0]["A"], adapters[0]["B"]
    targets = [torch.empty((rank, *A.shape[1:])), torch.empty((B.shape[0], rank, *B.shape[2:]))]
    holders = [SimpleNamespace(data=target) for target in targets]
    weights = [a["weight"] for a in adapters]
    down, up = MERGE_DELTAS(None, combination, names, weights, rank, layer, *holders, density, majority, clamp)
    return up.flatten(1) @ down.flatten(1)


SQRT_SCALE = 8 / 6**0.5
# name, kind, factors, scales, weights
ADAPTERS = [
    ("two linear adapters", "linear", linear(3, 6, 5), [1.0, 1.0], [1.0, 1.0]),
    ("three linear adapters of different scales and weights", "linear", linear(3, 6, 5), [2.0, 0.5, SQRT_SCALE], [0.7, 1.5, 0.4]),
    ("a negative weight", "linear", linear(2, 7, 4), [2.0, 2.0, 1.0], [1.0, -0.75, 0.5]),
    ("a negative scale and a negative weight", "linear", linear(2, 5, 6), [-1.5, 1.0, 2.0], [1.0, 1.0, -1.0]),
    ("convolutions of 3 x 3", "conv", conv(2, 2, 4, 3), [1.0, 4.0], [1.0, 0.25]),
    ("embeddings", "embedding", linear(2, 12, 3), [0.5, 2.0, 2.0], [1.0, 1.0, -0.5]),
    ("one adapter", "linear", linear(3, 6, 5), [2.0], [0.5]),
]
METHODS = [
    ("linear", [None], ["total"]),
    ("magnitude_prune", [0.5, 0.3, 1.0], ["total"]),
    ("ties", [0.5, 0.8], ["total", "frequency"]),
    ("dare_linear", [0.5], ["total"]),
    ("dare_ties", [0.7], ["total", "frequency"]),
]


def normal(rank, inputs, out):
    return lambda: (torch.randn(rank, inputs), torch.randn(out, rank))


def normal_conv(rank, inputs, out, kernel):
    return lambda: (torch.randn(rank, inputs, kernel, kernel), torch.randn(out, rank, 1, 1))


# name, kind, factors of each adapter, scales, weights, ranks to cut to
DELTA_ADAPTERS = [
    ("two linear adapters", "linear", [normal(2, 6, 5)] * 2, [1.0, 1.0], [1.0, 1.0], [2, 5]),
    ("three of different ranks, scales and weights", "linear", [normal(3, 7, 6), normal(1, 7, 6), normal(2, 7, 6)], [2.0, 0.5, SQRT_SCALE], [0.7, 1.5, 0.4], [3]),
    ("a negative weight", "linear", [normal(2, 7, 4)] * 3, [2.0, 2.0, 1.0], [1.0, -0.75, 0.5], [2]),
    ("convolutions of 3 x 3", "conv", [normal_conv(2, 2, 4, 3)] * 2, [1.0, 4.0], [1.0, 0.25], [2]),
    ("embeddings", "embedding", [normal(2, 12, 3)] * 3, [0.5, 2.0, 2.0], [1.0, 1.0, -0.5], [2]),
]
DELTA_METHODS = [
    ("svd", [None], ["total"]),
    ("magnitude_prune_svd", [0.5, 1.0], ["total"]),
    ("ties_svd", [0.5], ["total", "frequency"]),
    ("dare_linear_svd", [0.5], ["total"]),
    ("dare_ties_svd", [0.7], ["total", "frequency"]),
]


def deltas():
    groups = []
    for name, kind, draws, scales, weights, ranks in DELTA_ADAPTERS:
        torch.manual_seed(zlib.crc32(name.encode()) ^ SEED ^ 1)
        adapters = []
        for draw, scale, weight in zip(draws, scales, weights):
            A, B = draw()
            adapters.append(dict(A=A, B=B, scale=scale, weight=weight))
            magnitudes = delta_of(kind, adapters[-1]).abs().flatten()
            assert len(magnitudes.unique()) == len(magnitudes), name
        merged = []
        for method, densities, majorities in DELTA_METHODS:
            for density, majority, rank in [(d, m, k) for d in densities for m in majorities for k in ranks]:
                drawn.clear()
                delta = merge_deltas(kind, adapters, method, rank, density, majority)
                masks = ["".join(str(int(x)) for x in flat(kind, mask).flatten()) for mask in drawn]
                options = dict(density=density) if density is not None else {}
                if method in ("ties_svd", "dare_ties_svd"):
                    options["majority"] = majority
                case = dict(method=method, options=options, rank=rank, delta=delta.tolist())
                merged.append(case | (dict(masks=masks) if masks else {}))
        inputs = [a | dict(A=a["A"].flatten(1).tolist(), B=a["B"].flatten(1).tolist()) for a in adapters]
        groups.append(dict(name=name, kind=kind, adapters=inputs, merged=merged))
    return groups


def clamped():
    """svd_clamp. LAPACK leaves the signs of singular vectors open, and the quantile depends on them; here each right vector's largest entry is positive."""
    svd = torch.linalg.svd

    def signed(*args, **kwargs):
        u, s, vh = svd(*args, **kwargs)
        sign = torch.sign(vh.gather(1, vh.abs().argmax(1, keepdim=True)))[: len(s)]
        vh[: len(s)] *= sign
        u[:, : len(s)] *= sign.T
        return u, s, vh

    torch.linalg.svd = signed
    groups = []
    for name, kind, draws, scales, weights, ranks in DELTA_ADAPTERS:
        torch.manual_seed(zlib.crc32(name.encode()) ^ SEED ^ 2)
        adapters = [dict(zip("AB", draw()), scale=s, weight=w) for draw, s, w in zip(draws, scales, weights)]
        # Above the rank of the sum, PEFT also counts entries of arbitrary vectors.
        most = sum(len(a["A"]) for a in adapters)
        cases = [(clamp, rank) for clamp in (0.99, 0.8) for rank in ranks if rank <= most]
        merged = [
            dict(options=dict(clamp=c), rank=k, delta=merge_deltas(kind, adapters, "svd", k, None, "total", c).tolist())
            for c, k in cases
        ]
        inputs = [a | dict(A=a["A"].flatten(1).tolist(), B=a["B"].flatten(1).tolist()) for a in adapters]
        groups.append(dict(name=name, kind=kind, adapters=inputs, merged=merged))
    torch.linalg.svd = svd
    return groups


def main():
    assert len({case[0] for case in ADAPTERS}) == len(ADAPTERS)
    groups = []
    for name, kind, draw, scales, weights in ADAPTERS:
        torch.manual_seed(zlib.crc32(name.encode()) ^ SEED)
        adapters = []
        for scale, weight in zip(scales, weights):
            A, B = draw()
            adapters.append(dict(A=A, B=B, scale=scale, weight=weight))
        rows = lambda tensor: tensor.flatten(1).tolist()
        merged = []
        for method, densities, majorities in METHODS:
            for density, majority in [(d, m) for d in densities for m in majorities]:
                drawn.clear()
                A, B = merge(kind, adapters, method, density, majority)
                # Masks as drawn: of all A_t, then of all B_t, each in the order of the tensor as it is stored.
                masks = ["".join(str(int(x)) for x in mask.flatten()) for mask in drawn]
                options = dict(density=density) if density is not None else {}
                if method in ("ties", "dare_ties"):
                    options["majority"] = majority
                case = dict(method=method, options=options, A=rows(A), B=rows(B))
                merged.append(case | (dict(masks=masks) if masks else {}))
        inputs = [a | dict(A=rows(a["A"]), B=rows(a["B"])) for a in adapters]
        groups.append(dict(name=name, kind=kind, adapters=inputs, merged=merged))
    write("peft-merge.json", groups)
    write("peft-svd.json", deltas())
    write("peft-clamp.json", clamped())


def write(file, groups):
    made = dict(
        by="tools/golden/peft_merge.py",
        seed=SEED,
        python=platform.python_version(),
        torch=torch.__version__,
        peft=importlib.metadata.version("peft"),
    )
    dump = lambda value: json.dumps(value, allow_nan=False)
    lines = []
    for group in groups:
        cases = ",\n".join("      " + dump(case) for case in group["merged"])
        head = dump({key: value for key, value in group.items() if key != "merged"})[:-1]
        lines.append(f'    {head}, "merged": [\n{cases}\n    ]}}')
    (OUT / file).write_text('{\n  "made": ' + dump(made) + ',\n  "groups": [\n' + ",\n".join(lines) + "\n  ]\n}\n")
    print(f"{file}: {sum(len(group['merged']) for group in groups)} cases, {(OUT / file).stat().st_size} bytes")


if __name__ == "__main__":
    main()
