"""Write test/golden/mergekit.json: what mergekit's own methods make of the deltas of tiny adapters.

    pip install mergekit==0.1.5
    python tools/golden/mergekit_methods.py [folder]

Each delta s B A is given to mergekit as a whole tensor in f64, beside a base of zeros where a method needs one. Entries of a delta have
distinct magnitudes, because sorting does not say which of several equals comes first.
"""

import importlib.metadata
import json
import platform
import sys
import zlib
from pathlib import Path

import torch
from mergekit.merge_methods import registry
from mergekit.merge_methods.base import TensorGroup
from mergekit.merge_methods.karcher import karcher_merge_tensors

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "test/golden")
SEED = 20261128
# mergekit's karcher stops after 10 steps; the mean itself takes more.
TO_THE_END = dict(max_iter=10000, tol=1e-10)


def delta_of(adapter):
    return adapter["scale"] * adapter["B"].double() @ adapter["A"].double()


def mergekit(name, adapters, **parameters):
    method = registry.get(name)
    deltas = [delta_of(adapter) for adapter in adapters]
    needs_base = method.spec.contract.base.value == "required"
    if needs_base:
        deltas = [torch.zeros_like(deltas[0]), *deltas]
    weight = [adapter["weight"] for adapter in adapters]
    known = {spec.name for spec in method.spec.parameters}
    given = parameters | (dict(weight=weight) if "weight" in known else {})
    group = TensorGroup.from_tensors(deltas, base_index=0 if needs_base else None)
    return method([group], parameters=given)[0]


def karcher(adapters):
    total = sum(adapter["weight"] for adapter in adapters)
    shares = [adapter["weight"] / total for adapter in adapters]
    return karcher_merge_tensors([delta_of(adapter) for adapter in adapters], shares, **TO_THE_END)


def kept_by_della(adapters, density, spread):
    """The probabilities by which mergekit keeps each entry of the first delta; its epsilon is half of the spread."""
    drawn = []
    bernoulli = torch.bernoulli
    torch.bernoulli = lambda probabilities: (drawn.append(probabilities), torch.ones_like(probabilities))[1]
    mergekit("della_linear", adapters, density=density, epsilon=spread / 2, rescale=False)
    torch.bernoulli = bernoulli
    return drawn[0]


def mean_cosine(adapters):
    flat = torch.nn.functional.normalize(torch.stack([delta_of(adapter).flatten() for adapter in adapters]))
    count = len(adapters)
    return ((flat @ flat.T).sum() - count) / (count * (count - 1))


CONSENSUS = {"mergekit": True, "mergekit_sum": False}


def means(adapters):
    equal = len({adapter["weight"] for adapter in adapters}) == 1
    yield dict(method="karcher", options={}, delta=karcher(adapters))
    yield dict(method="multislerp", options={}, delta=mergekit("multislerp", adapters))
    if len(adapters) == 2:
        yield dict(method="nuslerp", options={}, delta=mergekit("nuslerp", adapters))
    if equal and mean_cosine(adapters) > 0.01:
        # Below 0 mergekit's turns the average round, and ours is 0.
        yield dict(method="model_stock", options={}, delta=mergekit("model_stock", adapters))
    if equal:
        for density in [1, 0.5, 0.1]:
            merged = mergekit("sce", adapters, select_topk=density)
            yield dict(method="sce", options=dict(density=density), delta=merged)


def sparse(adapters):
    for density, gamma in [(0.9, 0.01), (0.5, 0.1), (0.8, 0.3)]:
        options = dict(density=density, gamma=gamma)
        yield dict(method="breadcrumbs", options=options, delta=mergekit("breadcrumbs", adapters, **options))
        for consensus, normalize in CONSENSUS.items():
            merged = mergekit("breadcrumbs_ties", adapters, normalize=normalize, **options)
            yield dict(method="breadcrumbs_ties", options=options | dict(consensus=consensus), delta=merged)
    for consensus, normalize in CONSENSUS.items():
        merged = mergekit("ties", adapters, density=0.5, normalize=normalize)
        yield dict(method="ties_svd", options=dict(density=0.5, consensus=consensus), delta=merged)


def chances(adapters):
    for density, epsilon in [(0.5, 0.1), (0.7, 0.4)]:
        options = dict(density=density, epsilon=epsilon)
        yield dict(method="della_linear", options=options, kept=kept_by_della(adapters, density, epsilon))


# name, ranks, scales, weights, how much of a common delta each has, methods
GROUPS = [
    ("two adapters", [2, 2], [1.0, 1.0], [1.0, 1.0], 1.0, [means, sparse]),
    ("two of different ranks, norms and weights", [3, 1], [2.0, 0.25], [1.0, 3.0], 0.2, [means]),
    ("two that hardly agree", [2, 2], [1.0, -0.5], [1.0, 1.0], 0.0, [means]),
    ("three that began alike", [3, 3, 3], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0], 2.0, [means]),
    ("five of different ranks and norms", [1, 2, 3, 2, 1], [1.0, 4.0, 0.5, -1.0, 2.0], [1.0] * 5, 1.0, [means]),
    ("five of different weights", [1, 2, 3, 2, 1], [1.0, 4.0, 0.5, 1.0, 2.0], [0.1, 2.0, 1.0, 0.5, 3.0], 0.3, [means, sparse]),
    ("a negative weight", [2, 3, 2], [1.0, 2.0, 0.5], [1.0, -0.75, 0.5], 0.3, [sparse]),
    ("one adapter", [3], [2.0], [1.0], 0.0, [chances]),
]
IN, OUTPUTS = 7, 6


def adapters_of(ranks, scales, weights, common):
    shared_a, shared_b = torch.randn(max(ranks), IN), torch.randn(OUTPUTS, max(ranks))
    for rank, scale, weight in zip(ranks, scales, weights):
        A = torch.randn(rank, IN) + common * shared_a[:rank]
        B = torch.randn(OUTPUTS, rank) + common * shared_b[:, :rank]
        adapter = dict(A=A, B=B, scale=scale, weight=weight)
        magnitudes = delta_of(adapter).abs().flatten()
        assert len(magnitudes.unique()) == len(magnitudes)
        yield adapter


def main():
    lists = lambda case: {key: value.tolist() if isinstance(value, torch.Tensor) else value for key, value in case.items()}
    groups = []
    for name, ranks, scales, weights, common, methods in GROUPS:
        torch.manual_seed(zlib.crc32(name.encode()) ^ SEED)
        adapters = list(adapters_of(ranks, scales, weights, common))
        merged = [case for make in methods for case in make(adapters)]
        groups.append((dict(name=name, adapters=[lists(adapter) for adapter in adapters]), [lists(case) for case in merged]))
    made = dict(
        by="tools/golden/mergekit_methods.py",
        seed=SEED,
        python=platform.python_version(),
        torch=torch.__version__,
        mergekit=importlib.metadata.version("mergekit"),
    )
    dump = lambda value: json.dumps(value, allow_nan=False)
    lines = []
    for head, merged in groups:
        cases = ",\n".join("      " + dump(case) for case in merged)
        lines.append(f'    {dump(head)[:-1]}, "merged": [\n{cases}\n    ]}}')
    file = OUT / "mergekit.json"
    file.write_text('{\n  "made": ' + dump(made) + ',\n  "groups": [\n' + ",\n".join(lines) + "\n  ]\n}\n")
    print(f"{file.name}: {sum(len(merged) for _, merged in groups)} cases, {file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
