"""The least that a merge can cost in numpy: read the adapters, average A and B entry by entry in f32, write bf16.

    /tmp/venv-bench/bin/python bench/baseline/average.py --out /tmp/merged ADAPTER_FOLDER...

Adapters must have the same modules and ranks; scales are not looked at (it is a floor for time, not a method). Prints one
line of JSON: seconds per phase, where `import` is the loading of numpy. Needs bench/baseline/requirements.txt.
"""

import time

START = time.perf_counter()

import argparse
import json

import numpy as np
from peft_files import Adapter, write


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("adapters", nargs="+")
    args = parser.parse_args()
    seconds = {"import": time.perf_counter() - START}
    last = time.perf_counter()
    adapters = [Adapter(folder) for folder in args.adapters]
    names = [name for module in adapters[0].keys.values() for name in module.values()]
    tensors = {}
    for name in names:
        total = adapters[0].file.get_tensor(name).astype(np.float32)
        for adapter in adapters[1:]:
            total += adapter.file.get_tensor(name).astype(np.float32)
        total /= len(adapters)
        tensors[name] = total
    seconds["readAndAverage"] = time.perf_counter() - last
    last = time.perf_counter()
    write(args.out, tensors, adapters[0].config)
    seconds["write"] = time.perf_counter() - last
    seconds["total"] = time.perf_counter() - START
    print(json.dumps({"tensors": len(names), "seconds": seconds}))


if __name__ == "__main__":
    main()
