"""What an SVD merge costs through the dense delta: for named modules, numpy's SVD of the sum of s B A over the adapters, cut to rank k.

    /tmp/venv-bench/bin/python bench/baseline/dense_svd.py --k 16 --ours MERGED_FOLDER --modules NAME [NAME ...] -- ADAPTER_FOLDER...

Prints one line of JSON: for each module the seconds of the SVD and the relative Frobenius distance of the merged adapter's delta
(f32) from the dense result. Needs bench/baseline/requirements.txt.
"""

import argparse
import json
import time

import numpy as np
from peft_files import Adapter


def delta(adapter, module, dtype):
    A, B = adapter.factors(module, dtype)
    return adapter.scale(module, len(A)) * (B @ A)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--k", type=int, required=True)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--modules", nargs="+", required=True)
    parser.add_argument("adapters", nargs="+")
    args = parser.parse_args()
    adapters = [Adapter(folder) for folder in args.adapters]
    ours = Adapter(args.ours)
    result = {}
    for module in args.modules:
        total = sum(delta(adapter, module, np.float64) for adapter in adapters)
        start = time.perf_counter()
        U, S, V = np.linalg.svd(total.astype(np.float32), full_matrices=False)
        seconds = time.perf_counter() - start
        # The f32 SVD is the usual route and the one timed; its subspace is refined in f64 for the comparison.
        for _ in range(2):
            Q, _ = np.linalg.qr(total @ (total.T @ U[:, : 2 * args.k].astype(np.float64)))
            U = Q
        u, s, v = np.linalg.svd(U.T @ total, full_matrices=False)
        dense = (U @ u[:, : args.k]) * s[: args.k] @ v[: args.k]
        distance = np.linalg.norm(delta(ours, module, np.float64) - dense) / np.linalg.norm(dense)
        result[module] = {"shape": total.shape, "seconds": seconds, "distance": distance}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
