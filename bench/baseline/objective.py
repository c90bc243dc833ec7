"""What scikit-learn's KMeans reaches, module by module: the number that our clustering must not exceed.

    /tmp/venv-bench/bin/python bench/baseline/objective.py --k 8 ADAPTER_FOLDER...

Live units of all adapters that have a module (scale folded in: sqrt|s| into both halves, its sign into b; a unit whose a or
b is zero is dead), equal weights, f64. Identical units are one point of their summed weight, k_eff = min(k, points). Prints
{module: inertia} as one line of JSON; --details gives {module: {inertia, kEff, units, distinct}}. Any float type of
safetensors is read. Needs bench/baseline/requirements.txt.
"""

import argparse
import json

import numpy as np
from peft_files import Adapter, modules_of
from sklearn.cluster import KMeans


def live_units(adapter, module):
    A, B = adapter.factors(module, np.float64)
    scale = adapter.scale(module, len(A))
    a, b = np.sqrt(abs(scale)) * A, np.sign(scale) * np.sqrt(abs(scale)) * B.T
    return np.hstack([a, b])[a.any(1) & b.any(1)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--k", type=int, required=True)
    parser.add_argument("--n-init", type=int, default=10)
    parser.add_argument("--random-state", type=int, default=0)
    parser.add_argument("--details", action="store_true")
    parser.add_argument("adapters", nargs="+")
    args = parser.parse_args()
    adapters = [Adapter(folder) for folder in args.adapters]
    result = {}
    for module in modules_of(adapters):
        pool = np.concatenate([live_units(adapter, module) for adapter in adapters if module in adapter.keys])
        points, counts = np.unique(pool, axis=0, return_counts=True)
        k = min(args.k, len(points))
        inertia = 0.0
        if k < len(points):
            means = KMeans(n_clusters=k, n_init=args.n_init, random_state=args.random_state)
            inertia = float(means.fit(points, sample_weight=counts).inertia_)
        result[module] = dict(inertia=inertia, kEff=k, units=len(pool), distinct=len(points)) if args.details else inertia
    print(json.dumps(result))


if __name__ == "__main__":
    main()
