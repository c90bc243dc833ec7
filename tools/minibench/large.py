"""The larger tier, on a GPU: a base of 29 M parameters, its adapters, and what merges of them keep, scored by PyTorch.

    python large.py base              the base model
    python large.py adapters [TASK..] adapters of the tasks named (all seven and the joint one if none is), several processes side by side
    node merge-large.mjs 6 42         every merge of examples/minibench/bench.yaml at these ranks
    python large.py score             accuracies of all, into build/minibench/large/scores.json
    python large.py page              docs/evidence-large.md from them

--glue DIR also scores the real RTE and WNLI (folders rte and wnli with GLUE's train.tsv).
"""

import argparse
import csv
import itertools
import json
import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import yaml
from peft import PeftModel
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

import build
import lm
import tasks as t

SHAPE, DEVICE = "large", "cuda" if torch.cuda.is_available() else "cpu"
BATCH, TEXT_WORKERS = 512, 3
ADAPTER_RATE = 8e-4
FACTORS = [0.25, 0.5, 1, 2, 4]
RESAMPLES = 1000
RANKS = [6, 42]
ROOT = Path(__file__).resolve().parents[2]
HOME, MINIBENCH = ROOT / "build/minibench/large", ROOT / "examples/minibench"


def base_parts(steps):
    return [(steps, 1.5e-3, 0.02, 0.6), (steps // 8, 5e-4, 0.007, 0.8)]


class Text(IterableDataset):
    """Batches of text from several processes, each with its own seed."""

    def __init__(self, *of):
        self.of = of

    def __iter__(self):
        tokenizer, part, size, leaning = self.of
        return lm.text_batches(tokenizer, f"{part} {get_worker_info().id}", size, leaning)


def text_batches(*of):
    return iter(DataLoader(Text(*of), batch_size=None, num_workers=TEXT_WORKERS, prefetch_factor=32))


def build_adapters(names):
    for name in names or [*t.SEEN, "joint"]:
        parts = t.SEEN if name == "joint" else [name]
        steps = build.JOINT_STEPS if name == "joint" else build.ADAPTER_STEPS
        build.build_adapter(HOME / "base", "llama", "all", parts, HOME / "all" / name, steps=steps, peak=ADAPTER_RATE, device=DEVICE)


def real_rows(folder, task, first, second, question):
    """GLUE's labelled rows in the wording of the task of minibench."""
    with open(folder / task / "train.tsv") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            prompt = f"{first} : {row['sentence1']} . {second} : {row['sentence2']} . entailed ?".lower()
            yield t.Row(f"{task} (GLUE)", prompt, t.YES_NO, t.YES_NO[0 if row["label"] in ("entailment", "1") else 1], False)


class Rows:
    """Rows of a task on the GPU, scored in batches of like length."""

    def __init__(self, tokenizer, rows, size=500, longest=200):
        choices = [[ids[0] for ids in lm.ids_of(tokenizer, [f" {choice}" for choice in row.choices])] for row in rows]
        encoded = [(prompt, of, row.choices.index(row.answer)) for (prompt, _), of, row in zip(lm.encode(rows, tokenizer), choices, rows)]
        kept = sorted((each for each in encoded if len(each[0]) <= longest), key=lambda each: len(each[0]))
        self.batches = []
        for i in range(0, len(kept), size):
            prompts, of, answers = zip(*kept[i : i + size])
            last = torch.tensor([len(prompt) - 1 for prompt in prompts])
            self.batches.append([each.to(DEVICE) for each in (lm.padded(prompts, tokenizer), last, torch.tensor(of), torch.tensor(answers))])

    @torch.no_grad()
    def right(self, model):
        """Whether each row is answered rightly."""
        found = []
        for ids, last, choices, answers in self.batches:
            hidden = model(input_ids=ids, use_cache=False).logits[torch.arange(len(ids)), last]
            found.append(hidden.gather(1, choices).argmax(1) == answers)
        return torch.cat(found).cpu()


def scored(model, rows):
    return {task: of.right(model) for task, of in rows.items()}


def seen_mean(right):
    return float(torch.stack([right[task].float().mean() for task in t.SEEN]).mean())


def difference(right, reference):
    """Of the mean over the seen tasks, with a paired 95 % bootstrap interval within tasks."""
    rng = torch.Generator().manual_seed(0)
    gaps = [right[task].float() - reference[task].float() for task in t.SEEN]
    draws = torch.stack([gap[torch.randint(len(gap), (RESAMPLES, len(gap)), generator=rng)].mean(1) for gap in gaps]).mean(0).sort().values
    return [float(torch.stack([gap.mean() for gap in gaps]).mean()), float(draws[RESAMPLES // 40]), float(draws[-RESAMPLES // 40 - 1])]


def with_factor(model, factor):
    for module in model.modules():
        if isinstance(getattr(module, "scaling", None), dict) and "default" in module.scaling:
            module.unscaled = getattr(module, "unscaled", module.scaling["default"])
            module.scaling["default"] = module.unscaled * factor


def score(glue):
    _, tokenizer = build.load_base(HOME / "base")
    rows = {task: Rows(tokenizer, build.read_rows(MINIBENCH, "test", task)) for task in t.TASKS}
    dev = {task: Rows(tokenizer, build.read_rows(MINIBENCH, "dev", task)) for task in t.SEEN}
    if glue is not None:
        rows["rte (GLUE)"] = Rows(tokenizer, list(real_rows(glue, "rte", "text", "claim", "entailed")))
        rows["wnli (GLUE)"] = Rows(tokenizer, list(real_rows(glue, "wnli", "story", "reading", "entailed")))

    def loaded(path):
        model, _ = build.load_base(HOME / "base", DEVICE)
        return (model if path is None else PeftModel.from_pretrained(model, path)).eval()

    found = {"rows": {task: sum(len(batch[0]) for batch in of.batches) for task, of in rows.items()}}
    report = lambda right: {task: float(of.float().mean()) for task, of in right.items()}
    found["base"] = report(scored(loaded(None), rows))
    for path in sorted((HOME / "all").iterdir()):
        found[path.name] = report(scored(loaded(path), rows))
        print(path.name, found[path.name], flush=True)
    references, found["merges"] = {}, []
    names = [merge.get("name", merge["method"]) for merge in yaml.safe_load((MINIBENCH / "bench.yaml").read_text())["merges"]]
    for rank, name in itertools.product(RANKS, names):
        model = loaded(HOME / "merges" / f"{name.replace(' ', '-')}-{rank}")
        plain = scored(model, rows)
        on_dev = {}
        for factor in sorted(FACTORS, key=lambda factor: max(factor, 1 / factor)):
            with_factor(model, factor)
            on_dev[factor] = seen_mean(scored(model, dev))
        factor = max(on_dev, key=on_dev.get)
        with_factor(model, factor)
        searched = scored(model, rows)
        reference = references.setdefault(rank, (plain, searched))
        found["merges"].append({
            "name": name, "rank": rank, "factor": factor, "plain": report(plain), "searched": report(searched),
            "against": [difference(plain, reference[0]), difference(searched, reference[1])],
        })
        print(name, rank, f"{seen_mean(plain):.4f}", factor, f"{seen_mean(searched):.4f}", flush=True)
        (HOME / "scores.json").write_text(json.dumps(found, indent=1) + "\n")


def page():
    """docs/evidence-large.md: large.md, which stands in front, and the tables."""
    found = json.loads((HOME / "scores.json").read_text())
    names = list(found["rows"])
    percent = lambda share: f"{100 * share:.1f}"
    mean = lambda right: sum(right[task] for task in t.SEEN) / len(t.SEEN)
    line = lambda cells: f"| {' | '.join(cells)} |"
    table = lambda head, rows: "\n".join([line(head), line(["---", *["---:"] * (len(head) - 1)]), *map(line, rows)])
    columns = [f"{name}, n {found['rows'][name]}" if found["rows"][name] != 1000 else name for name in names]
    scores = lambda right: [*(percent(right[name]) for name in names), f"**{percent(mean(right))}**"]
    own = {name: found[name][name] if name in t.SEEN else float("nan") for name in names}
    bounds = [["base model", *scores(found["base"])], ["own adapter", *scores(own)], ["joint adapter", *scores(found["joint"])]]
    parts = [(Path(__file__).parent / "large.md").read_text().strip(), table(["", *columns, "seen"], bounds).replace("nan", "")]
    gain = mean(own) - mean(found["base"])
    for rank in RANKS:
        merges = sorted((merge for merge in found["merges"] if merge["rank"] == rank), key=lambda merge: -mean(merge["searched"]))
        rows = []
        for merge in merges:
            gap, low, high = merge["against"][1]
            against = "" if merge["name"] == "lego" else f"{100 * gap:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})" + (", tie" if low <= 0 <= high else "")
            kept = f"{100 * (mean(merge['searched']) - mean(found['base'])) / gain:.0f}"
            rows.append([merge["name"], percent(mean(merge["plain"])), str(merge["factor"]), *scores(merge["searched"]), kept, against])
        parts += [f"## Rank {rank}", table(["", "factor 1", "factor", *columns, "seen", "gain kept, %", "against lego"], rows)]
    (ROOT / "docs/evidence-large.md").write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["base", "adapters", "score", "page"])
    parser.add_argument("tasks", nargs="*")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--glue", type=Path)
    options = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = True
    if options.what == "base":
        build.build_base(SHAPE, HOME / "base", DEVICE, base_parts(options.steps), text_batches, BATCH)
    elif options.what == "adapters":
        build_adapters(options.tasks)
    elif options.what == "score":
        score(options.glue)
    else:
        page()
