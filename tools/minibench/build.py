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
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

import lm
import tasks as t

BASE_STEPS = {"llama": 3600, "gpt2": 3600}
BASE_BATCH, BASE_RATE, MATRIX_RATE = 192, 3e-3, 0.02
ADAPTER_STEPS, ADAPTER_RATE, ADAPTER_BATCH = 400, 1e-3, 64
JOINT_STEPS = 7 * ADAPTER_STEPS
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


def build_base(shape, folder):
    tokenizer = lm.make_tokenizer()
    model = lm.make_model(shape, tokenizer)
    batches = lm.text_batches(tokenizer, 0, BASE_BATCH)
    lm.train(model, batches, BASE_STEPS[shape], BASE_RATE, decay=0.05, matrix_rate=MATRIX_RATE, mixed=True)
    save_base(model, tokenizer, shape, folder)


def save_base(model, tokenizer, shape, folder):
    model.config.name_or_path = f"lora-lego/minibench-{shape}"
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def load_base(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32), AutoTokenizer.from_pretrained(folder)


def train_adapter(base, shape, targets, parts, folder, rank=RANK, alpha=ALPHA, seed=0, steps=ADAPTER_STEPS):
    """A LoRA on the base for the tasks named, trained with PEFT and saved in bfloat16."""
    model, tokenizer = load_base(base)
    torch.manual_seed(seed)
    config = LoraConfig(
        r=rank, lora_alpha=alpha, target_modules=TARGETS[shape][targets], task_type="CAUSAL_LM",
        fan_in_fan_out=shape == "gpt2", lora_dropout=0.0,
    )
    model = get_peft_model(model, config)
    streams = [t.rows(part, "train", seed) for part in parts]
    begun = time.time()
    lm.train(model, lm.row_batches(streams, tokenizer, seed, ADAPTER_BATCH), steps, ADAPTER_RATE, warmup=0.1, decay=0.0, every=steps)
    model.peft_config["default"].base_model_name_or_path = f"lora-lego/minibench-{shape}"
    partial = folder.with_name(f"{folder.name}.partial")
    model.save_pretrained(partial)
    weights = partial / "adapter_model.safetensors"
    save_file({name: tensor.to(torch.bfloat16).contiguous() for name, tensor in load_file(weights).items()}, weights, {"format": "pt"})
    (partial / "README.md").unlink(missing_ok=True)
    rows = lm.take(parts[0], "dev", DEV_ROWS)
    print(f"{folder.name}: {100 * lm.accuracy(model, tokenizer, rows):.1f} % on {parts[0]} (dev), {time.time() - begun:.0f} s", flush=True)
    partial.rename(folder)


def build_adapters(out, shape, targets):
    for name in (*t.SEEN, "joint"):
        folder = out / shape / targets / name
        if folder.exists():
            continue
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder.with_name(f"{name}.partial"), ignore_errors=True)
        joint = name == "joint"
        train_adapter(out / shape / "base", shape, targets, t.SEEN if joint else [name], folder, steps=JOINT_STEPS if joint else ADAPTER_STEPS)


def build_more(out, more, shape):
    """Adapters of other ranks and alphas, and of two more training seeds, all on all linear modules."""
    for name in t.SEEN:
        rank, alpha = MIXED[name]
        plans = {"mixed": dict(rank=rank, alpha=alpha), "seed1": dict(seed=1), "seed2": dict(seed=2)}
        for kind, options in plans.items():
            folder = more / shape / kind / name
            if not folder.exists():
                folder.parent.mkdir(parents=True, exist_ok=True)
                shutil.rmtree(folder.with_name(f"{name}.partial"), ignore_errors=True)
                train_adapter(out / shape / "base", shape, "all", [name], folder, **options)


def write_rows(out):
    out.mkdir(parents=True, exist_ok=True)
    for split, count in (("dev", DEV_ROWS), ("test", TEST_ROWS)):
        with open(out / f"{split}.jsonl", "w") as file:
            for task in t.TASKS:
                for row in lm.take(task, split, count):
                    fields = {"task": task, "prompt": row.prompt, "choices": row.choices, "answer": row.choices.index(row.answer)}
                    file.write(json.dumps(fields, separators=(",", ":")) + "\n")


def read_rows(out, split):
    rows = [json.loads(line) for line in open(out / f"{split}.jsonl")]
    return {
        task: [t.Row(task, r["prompt"], tuple(r["choices"]), r["choices"][r["answer"]], False) for r in rows if r["task"] == task]
        for task in t.TASKS
    }


def score(out, shape):
    """Accuracies on the test rows by PyTorch and PEFT, into accuracies.json beside the base."""
    base = out / shape / "base"
    rows = read_rows(out, "test")
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
