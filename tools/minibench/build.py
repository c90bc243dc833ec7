"""Make examples/minibench: base models, task rows, adapters trained with real PEFT, and what PyTorch scores with them.

    python build.py rows                    the dev and test rows of the nine tasks
    python build.py base llama              a base model (or gpt2)
    python build.py adapters llama all      seven adapters and the joint one of a target set (all or qv)
    python build.py score llama             accuracies of all that is there, by PyTorch and PEFT
    python build.py more llama              other ranks and training seeds, into build/minibench, which is not committed

What is there already is left as it is, so an interrupted run goes on where it stopped. --out DIR builds elsewhere. --threads N, default 1:
two processes side by side are faster than one with two threads.
"""

import argparse
import json
import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

import lm
import tasks as t

BASE_BATCH = 192
# Steps, AdamW's rate, Muon's rate, and how often the text leans to the first choice: the last part leaves adapters something to learn.
BASE_PARTS = [(1600, 3e-3, 0.02, 0.6), (200, 1e-3, 0.007, 0.8)]
ADAPTER_STEPS, ADAPTER_RATE, ADAPTER_BATCH = 300, 1.5e-3, 64
JOINT_STEPS = 3 * ADAPTER_STEPS
RANK, ALPHA = 6, 12
DEV_ROWS, TEST_ROWS = 300, 1000
TARGETS = {
    "llama": {
        "qv": ["q_proj", "v_proj"],
        "all": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    },
    "gpt2": {"qv": ["c_attn"], "all": ["c_attn", "c_proj", "c_fc"]},
}
# Ranks and alphas of the further sets, by task: mixed, and rank 2 beside rank 32.
MIXED = {"cola": (2, 4), "mnli": (32, 16), "mrpc": (8, 16), "qnli": (16, 32), "qqp": (4, 8), "rte": (6, 6), "sst2": (12, 12)}


def build_base(shape, folder, device="cpu", parts=BASE_PARTS, batches_of=lm.text_batches, size=BASE_BATCH):
    if folder.exists():
        return
    tokenizer = lm.make_tokenizer()
    model = lm.make_model(shape, tokenizer).to(device)
    probes = {task: lm.take(task, "dev", DEV_ROWS) for task in t.TASKS}
    watch = lambda model: " ".join(f"{task} {easy_and_other(model, tokenizer, rows)}" for task, rows in probes.items())
    for part, (steps, rate, matrix_rate, leaning) in enumerate(parts):
        batches = batches_of(tokenizer, part, size, leaning)
        lm.train(model, batches, steps, rate, decay=0.05, matrix_rate=matrix_rate, mixed=True, watch=watch, every=200)
    model.config.name_or_path = f"lora-lego/minibench-{shape}"
    with whole(folder) as partial:
        model.to(torch.bfloat16).save_pretrained(partial)
        tokenizer.save_pretrained(partial)


def easy_and_other(model, tokenizer, rows):
    """Accuracies in % on easy rows / on the others."""
    parts = [[row for row in rows if row.easy == easy] for easy in (True, False)]
    return "/".join(f"{100 * lm.accuracy(model, tokenizer, part):.0f}" for part in parts)


@contextmanager
def whole(folder):
    """A folder to write into that gets its name when it is complete."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    yield partial
    partial.rename(folder)


def load_base(folder, device="cpu"):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).to(device), AutoTokenizer.from_pretrained(folder)


def build_adapter(base, shape, targets, parts, folder, rank=RANK, alpha=ALPHA, seed=0, steps=ADAPTER_STEPS, peak=ADAPTER_RATE, device="cpu"):
    """A LoRA on the base for the tasks named, trained with PEFT and saved in bfloat16."""
    if folder.exists():
        return
    model, tokenizer = load_base(base, device)
    torch.manual_seed(seed)
    config = LoraConfig(
        r=rank, lora_alpha=alpha, target_modules=TARGETS[shape][targets], task_type="CAUSAL_LM",
        fan_in_fan_out=shape == "gpt2", lora_dropout=0.0,
    )
    model = get_peft_model(model, config)
    streams = [t.rows(part, "train", seed) for part in parts]
    begun = time.time()
    lm.train(model, lm.row_batches(streams, tokenizer, seed, ADAPTER_BATCH), steps, peak, warmup=0.1, decay=0.0, mixed=True, every=steps)
    model.peft_config["default"].base_model_name_or_path = f"lora-lego/minibench-{shape}"
    with whole(folder) as partial:
        model.save_pretrained(partial)
        weights = partial / "adapter_model.safetensors"
        save_file({name: tensor.to(torch.bfloat16).contiguous() for name, tensor in load_file(weights).items()}, weights, {"format": "pt"})
        (partial / "README.md").unlink(missing_ok=True)
    found = " ".join(f"{part} {100 * lm.accuracy(model, tokenizer, lm.take(part, 'dev', DEV_ROWS)):.1f}" for part in parts)
    print(f"{folder.parent.name}/{folder.name}: {found} % (dev), {time.time() - begun:.0f} s", flush=True)


def build_adapters(out, shape, targets):
    base, home = out / shape / "base", out / shape / targets
    for name in t.SEEN:
        build_adapter(base, shape, targets, [name], home / name)
    build_adapter(base, shape, targets, t.SEEN, home / "joint", steps=JOINT_STEPS)


def build_more(out, more, shape):
    """Adapters of other ranks and alphas, and of two more training seeds, all on all linear modules."""
    for name in t.SEEN:
        rank, alpha = MIXED[name]
        plans = {"mixed": dict(rank=rank, alpha=alpha), "seed1": dict(seed=1), "seed2": dict(seed=2)}
        for kind, options in plans.items():
            build_adapter(out / shape / "base", shape, "all", [name], more / shape / kind / name, **options)


def write_rows(out):
    for split, count in (("dev", DEV_ROWS), ("test", TEST_ROWS)):
        (out / split).mkdir(parents=True, exist_ok=True)
        for task in t.TASKS:
            with open(out / split / f"{task}.jsonl", "w") as file:
                for row in lm.take(task, split, count):
                    fields = {"prompt": row.prompt, "choices": row.choices, "answer": row.choices.index(row.answer)}
                    file.write(json.dumps(fields, separators=(",", ":")) + "\n")


def read_rows(out, split, task):
    rows = [json.loads(line) for line in open(out / split / f"{task}.jsonl")]
    return [t.Row(task, r["prompt"], tuple(r["choices"]), r["choices"][r["answer"]], False) for r in rows]


def score(out, shape):
    """Accuracies on the test rows by PyTorch and PEFT, into accuracies.json beside the base."""
    base = out / shape / "base"
    rows = {task: read_rows(out, "test", task) for task in t.TASKS}
    found = {}
    for path in [None, *sorted(path.parent for path in (out / shape).glob("*/*/adapter_config.json"))]:
        model, tokenizer = load_base(base)
        if path is not None:
            model = PeftModel.from_pretrained(model, path)
        name = "base" if path is None else str(path.relative_to(out / shape))
        found[name] = {task: round(100 * lm.accuracy(model, tokenizer, some), 2) for task, some in rows.items()}
        print(name, found[name], flush=True)
    (out / shape / "accuracies.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["rows", "base", "adapters", "score", "more"])
    parser.add_argument("shape", nargs="?", choices=["llama", "gpt2"])
    parser.add_argument("targets", nargs="?", choices=["all", "qv"], default="all")
    parser.add_argument("--out", type=Path, default=root / "examples/minibench")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.what == "rows":
        write_rows(options.out)
    elif options.what == "base":
        build_base(options.shape, options.out / options.shape / "base")
    elif options.what == "adapters":
        build_adapters(options.out, options.shape, options.targets)
    elif options.what == "score":
        score(options.out, options.shape)
    else:
        build_more(options.out, root / "build/minibench", options.shape)
