"""Write test/golden/ctm.json: what the authors' code of Compress then Merge makes of tiny adapters.

    git clone https://github.com/ZhengbaoHe/compress-then-merge /tmp/ctm
    pip install torch einops tqdm tensorly
    python tools/golden/ctm.py /tmp/ctm [folder]

Their task_merger.py runs as it stands, in f64: the shared bases in core space (`low_rank_core`), then a rule on the cores. Its module
`utils`, of which it needs no more than a name here, is replaced, because that imports whole models. Their configuration for ViT is
beta 0.25, TIES with topK 25 and a scale of 0.75. A and B are multiples of 1/64. Of the shared bases here one pair takes 21 rounds.
"""

import json
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import torch

SOURCE = Path(sys.argv[1])
OUT = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parents[2] / "test/golden")
SEED = 20260603
RANK, OUTPUTS, INPUTS = 4, 14, 17

sys.modules["utils"] = ModuleType("utils")
sys.modules["utils"].get_mask_fn = None
sys.path.insert(0, str(SOURCE))
import task_merger  # noqa: E402

task_merger.float32_dtype = torch.float64
theirs = task_merger.MatrixPerLayerMerger.__new__(task_merger.MatrixPerLayerMerger)
torch.nn.Module.__init__(theirs)
theirs.device = "cpu"

random = torch.Generator().manual_seed(SEED)


def whole(rows, columns):
    return torch.randint(-64, 65, (rows, columns), generator=random).double()


scales = (1, 0.5, 2, 1)
adapters = [(whole(RANK, INPUTS) / 64, whole(OUTPUTS, RANK) / 64) for _ in scales]

merged = []
for rank, beta, method, top in ((4, 0.25, "ties", 25), (4, 0.0, "ties", 50), (3, 0.5, "sum", None), (6, 1.0, "ties", 25)):
    a_list = [a for a, _ in adapters]
    b_list = [b * scale for (_, b), scale in zip(adapters, scales)]
    left, right, cores = theirs.get_low_rank_components_in_core_space(a_list, b_list, rank=rank, beta=beta)
    config = {"merge_method": method, "topK": top}
    delta = 0.75 * left @ theirs._merge_tensors(cores, config) @ right.T
    merged.append({"rank": rank, "beta": beta, "rule": method, "topK": top, "scale": 0.75, "delta": delta.tolist()})

commit = subprocess.run(["git", "-C", SOURCE, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
made = {
    "by": "tools/golden/ctm.py",
    "seed": SEED,
    "python": platform.python_version(),
    "torch": torch.__version__,
    "tensorly": version("tensorly"),
    "code": f"https://github.com/ZhengbaoHe/compress-then-merge at {commit}",
}
golden = {
    "made": made,
    "adapters": [{"A": a.tolist(), "B": b.tolist(), "scale": s} for (a, b), s in zip(adapters, scales)],
    "merged": merged,
}
(OUT / "ctm.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
