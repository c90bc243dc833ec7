"""What PEFT takes for the same merge, without a base model: the weights under its adapters are views of one number.

    .venv/bin/python bench/baseline/peft_merge.py --method ties --out /tmp/merged ADAPTER_FOLDER...

With --module one module alone is loaded and merged. Methods that draw or keep entries get a density of 0.5, those that cut by singular
values the first adapter's rank. Prints one line of JSON: processor seconds from the first file to the last, where importing PyTorch does
not count. Needs bench/baseline/requirements-peft.txt.
"""

import argparse
import json
import time

import torch
from peft import PeftConfig, PeftModel
from peft_files import Adapter

DENSE = ("svd", "ties_svd", "dare_linear_svd", "dare_ties_svd", "magnitude_prune_svd")
WITH_DENSITY = ("ties", "dare_linear", "dare_ties", "magnitude_prune")


class Empty(torch.nn.Module):
    """A node in the tree of modules, which PEFT takes for a model."""


def base_of(adapter, module):
    """The modules of an adapter, each a linear layer without numbers of its own."""
    root = Empty()
    for name, halves in adapter.keys.items():
        if module not in (None, name):
            continue
        shape = lambda half: adapter.file.get_slice(halves[half]).get_shape()
        with torch.device("meta"):
            linear = torch.nn.Linear(shape("A")[1], shape("B")[0], bias=False)
        linear.weight = torch.nn.Parameter(torch.zeros(1).expand(linear.weight.shape), requires_grad=False)
        *path, last = name.split(".")
        place = root
        for part in path:
            if not hasattr(place, part):
                place.add_module(part, Empty())
            place = getattr(place, part)
        place.add_module(last, linear)
    return root


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", required=True, choices=["cat", "linear", *WITH_DENSITY, *DENSE])
    parser.add_argument("--module", help="merge this one alone")
    parser.add_argument("--out", required=True)
    parser.add_argument("adapters", nargs="+")
    args = parser.parse_args()
    torch.set_num_threads(1)
    first = Adapter(args.adapters[0])
    base = base_of(first, args.module)
    start = time.process_time()
    names = [f"a{t}" for t in range(len(args.adapters))]
    config = PeftConfig.from_pretrained(args.adapters[0])
    config.task_type = None  # a language model would have to generate text
    model = PeftModel.from_pretrained(base, args.adapters[0], names[0], config=config, low_cpu_mem_usage=True)
    for name, folder in zip(names[1:], args.adapters[1:]):
        model.load_adapter(folder, adapter_name=name, low_cpu_mem_usage=True)
    thin = args.method.split("_svd")[0] in WITH_DENSITY
    options = {"density": 0.5} if thin else {}
    if args.method in DENSE:
        options["svd_rank"] = first.config["r"]
    with torch.no_grad():
        model.add_weighted_adapter(names, [1.0] * len(names), "merged", combination_type=args.method, **options)
    model.save_pretrained(args.out, selected_adapters=["merged"])
    print(json.dumps({"processor": time.process_time() - start}))


if __name__ == "__main__":
    main()
