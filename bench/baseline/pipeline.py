"""LoRA-LEGO as a practitioner would write it with numpy and scikit-learn: per module KMeans over the units of all adapters.

    /tmp/venv-bench/bin/python bench/baseline/pipeline.py --k 16 --out /tmp/merged ADAPTER_FOLDER...

PEFT folders (safetensors) in, one bf16 PEFT folder of rank k out. Prints one line of JSON: seconds per phase, where
`import` is the loading of numpy and scikit-learn and `total` all of them. Needs bench/baseline/requirements.txt.

Beside other work KMeans' threads wait for one another (13 times slower, seen on two busy cores): to be fair to it, run it
on a quiet machine, also with OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1, and report the faster. `threads` says what it had.
"""

import time

START = time.perf_counter()

import argparse
import json
import warnings

import numpy as np
from peft_files import Adapter, modules_of, write
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_info


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--k", type=int, required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("adapters", nargs="+")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")  # fewer distinct units than clusters
    seconds = {"import": time.perf_counter() - START, "read": 0.0, "cluster": 0.0, "centres": 0.0, "write": 0.0}
    last = time.perf_counter()

    def phase(name):
        nonlocal last
        now = time.perf_counter()
        seconds[name] += now - last
        last = now

    adapters = [Adapter(folder) for folder in args.adapters]
    modules = modules_of(adapters)
    tensors = {}
    phase("read")
    for module in modules:
        pool, ranks = [], []
        for adapter in adapters:
            if module in adapter.keys:
                A, B = adapter.factors(module, np.float32)
                scale = adapter.scale(module, len(A))
                half = np.sqrt(abs(scale))
                pool.append(np.hstack([half * A, np.sign(scale) * half * B.T]).astype(np.float32))
                ranks.append(len(A))
        pool = np.concatenate(pool)
        inner = A.shape[1]
        phase("read")
        k = min(args.k, len(pool))
        labels = KMeans(n_clusters=k, n_init=10, random_state=0).fit(pool).labels_
        phase("cluster")
        merged = np.zeros((args.k, pool.shape[1]), np.float32)
        for c in range(k):
            members = pool[labels == c]
            if len(members):
                centre = members.mean(0)
                norm = np.abs(centre).max()
                merged[c] = centre * (np.abs(members).max(1).mean() / norm if norm > 0 else 0)
        name = f"base_model.model.{module}.lora_"
        tensors[name + "A.weight"] = merged[:, :inner].copy()
        tensors[name + "B.weight"] = (merged[:, inner:].T * np.sqrt(np.mean(ranks) / k)).astype(np.float32)
        phase("centres")
    config = {
        "peft_type": "LORA",
        "task_type": adapters[0].config.get("task_type"),
        "base_model_name_or_path": adapters[0].config.get("base_model_name_or_path"),
        "r": args.k,
        "lora_alpha": args.k,
        "target_modules": modules,
        "fan_in_fan_out": adapters[0].config.get("fan_in_fan_out", False),
        "inference_mode": True,
    }
    write(args.out, tensors, config)
    phase("write")
    seconds["total"] = time.perf_counter() - START
    threads = {pool["user_api"]: pool["num_threads"] for pool in threadpool_info()}
    print(json.dumps({"modules": len(modules), "k": args.k, "threads": threads, "seconds": seconds}))


if __name__ == "__main__":
    main()
