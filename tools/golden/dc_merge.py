"""Write test/golden/dc-merge.json: what the authors' code of DC-Merge makes of small deltas.

    git clone https://github.com/Tobeginwith/DC-Merge /tmp/dc-merge
    pip install torch tqdm
    python tools/golden/dc_merge.py /tmp/dc-merge [folder]

Their vision_lora_merge/merging_functions.py runs as it stands, in f64. It fixes 16 directions a task and keeps 0.1 % of the entries;
other densities are passed to its own keep_topk_percent. A and B are whole numbers of 64ths. The merged deltas are too large to keep,
so each is kept as its product with a probe.
"""

import importlib.util
import json
import platform
import subprocess
import sys
from pathlib import Path

import torch

SOURCE = Path(sys.argv[1])
OUT = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parents[2] / "test/golden")
SEED = 20260306
TASKS, RANK, OUTPUTS, INPUTS = 3, 16, 52, 56

torch.set_default_dtype(torch.float64)
spec = importlib.util.spec_from_file_location("theirs", SOURCE / "vision_lora_merge/merging_functions.py")
theirs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(theirs)
keep_topk_percent = theirs.keep_topk_percent

random = torch.Generator().manual_seed(SEED)


def whole(rows, columns, most=64):
    return torch.randint(-most, most + 1, (rows, columns), generator=random)


# Later units are smaller, so that singular values fall; all tasks share a part of A, so that their directions overlap.
falling = torch.tensor([64 - 4 * (i // 2) for i in range(RANK)])
shared = whole(RANK, INPUTS, 40)
adapters = [(shared + whole(RANK, INPUTS, 24), whole(OUTPUTS, RANK) * falling // 64) for _ in range(TASKS)]
deltas = [(b / 64) @ (a / 64) for a, b in adapters]
probe = whole(INPUTS, 3, 2)

merged = []
for options in (
    {},
    {"density": 0.02},
    {"density": 1},
    {"smoothing": "linear"},
    {"smoothing": "linear", "rho": 2, "density": 0.02},
):
    theirs.keep_topk_percent = lambda cores, _, share=options.get("density", 1e-3): keep_topk_percent(cores, share)
    smoothing = {"average": "avg", "linear": "linear"}[options.get("smoothing", "average")]
    delta = theirs.dc_merge({"module": deltas}, smoothing_strategy=smoothing, rho=options.get("rho", 5.0))["module"]
    merged.append({"options": options, "norm": float(delta.norm()), "probed": (delta @ probe.to(delta)).tolist()})

commit = subprocess.run(["git", "-C", SOURCE, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
made = {
    "by": "tools/golden/dc_merge.py",
    "seed": SEED,
    "python": platform.python_version(),
    "torch": torch.__version__,
    "code": f"https://github.com/Tobeginwith/DC-Merge at {commit}",
}
golden = {
    "made": made,
    "adapters": [{"A": a.tolist(), "B": b.tolist()} for a, b in adapters],
    "probe": probe.tolist(),
    "merged": merged,
}
(OUT / "dc-merge.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
