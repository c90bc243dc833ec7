"""Which adapters are trained: sets of one adapter for each of their tasks."""

from rows import SEEN

# Ranks and alphas of minibench's set of unequal adapters.
MIXED = {"cola": (2, 4), "mnli": (32, 16), "mrpc": (8, 16), "qnli": (16, 32), "qqp": (4, 8), "rte": (6, 6), "sst2": (12, 12)}
# Rows seen in training, over as many passes as that takes.
ROWS = {
    "minilm": {"cola": 24000, "mnli": 10000, "mrpc": 8000, "qnli": 8000, "qqp": 4000, "rte": 2560, "sst2": 8000},
    "smollm2": {"cola": 8000, "mnli": 6400, "mrpc": 3600, "qnli": 3800, "qqp": 6400, "rte": 2400, "sst2": 2048},
}
QUICK_ROWS = 1280
TASKS = {kind: SEEN for kind in ("all", "apart", "qv", "mixed", "seed1")} | {"quick": ["mrpc", "qqp", "sst2"]}
JOINT = "joint"


def plan(model, kind, task):
    """How one adapter is trained: its tasks, the rows of each, the rank, alpha, the modules, and the seed of the initial A.

    The adapters of a set share that seed, unless the set is `apart`. The joint adapter, whose task is None, learns every seen task.
    """
    tasks = SEEN if task is None else [task]
    rank, alpha = MIXED[task] if kind == "mixed" else (6, 12)
    return dict(
        rows={each: QUICK_ROWS if kind == "quick" else ROWS[model][each] // (1 if len(tasks) == 1 else 2) for each in tasks},
        rank=rank,
        alpha=alpha,
        targets="qv" if kind == "qv" else "all",
        seed=SEEN.index(task) if kind == "apart" else 1 if kind == "seed1" else 0,
    )
