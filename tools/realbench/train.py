"""Train adapters with PEFT into --out: python train.py [--model minilm|smollm2] [SET | SET/TASK ...] (sets.py); without a name, every set.

Each adapter lies in its own folder, with its task's head beside it where the model has heads. What is there is left as it is, so an
interrupted run goes on where it stopped: inside an adapter, at the last of the states that are saved every few minutes. One thread.
"""

import argparse
import json
import os
import random
import shutil
import sys
import time
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file

from batches import epochs
from models import MODELS, round_frozen
from rows import GLUE, rows
from sets import JOINT, TASKS, plan

WARMUP = 0.06
# Steps from one saved state to the next.
KEEP = 40


def train(kind, out, seen, rank, alpha, targets, seed, device):
    """One adapter, and a head for each task; tasks take turns by batches. @param kind the model's module @param seen rows to see of each task"""
    tokenizer, base = kind.load("eager")
    torch.manual_seed(seed)
    model = get_peft_model(base, LoraConfig(r=rank, lora_alpha=alpha, target_modules=kind.TARGETS[targets], lora_dropout=0.0)).to(device)
    round_frozen(model)
    heads = {task: head and head.to(device) for task, head in ((task, kind.new_head(task)) for task in seen)}
    generator = random.Random(seed)
    streams = {task: epochs(rows(task, "train"), kind.BATCH, generator) for task in seen}
    turns = [task for task, count in seen.items() for _ in range(count // kind.BATCH)]
    generator.shuffle(turns)
    weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [{"params": weights, "lr": kind.RATE}]
    groups += [{"params": list(head.parameters()), "lr": kind.HEAD_RATE} for head in heads.values() if head is not None]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.0)
    shape = lambda step: min((step + 1) / (WARMUP * len(turns)), 1) * (1 - step / len(turns))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, shape)
    trained = [parameter for group in groups for parameter in group["params"]]
    saved = out.with_name(f"{out.name}.state")
    planned = dict(seen=seen, rank=rank, alpha=alpha, targets=targets, seed=seed, rate=kind.RATE, batch=kind.BATCH)
    done = restore(saved, planned, trained, optimizer, schedule)
    begun, recent = time.process_time(), []
    for step, task in enumerate(turns):
        batch = next(streams[task])
        if step < done:
            continue
        scores = kind.logits(model, heads[task], tokenizer, task, kind.tensors(tokenizer, task, batch).to(device))
        loss = torch.nn.functional.cross_entropy(scores, torch.tensor([row[2] for row in batch], device=device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        recent.append(loss.item())
        if (step + 1) % 20 == 0:
            print(f"{out.parent.name}/{out.name}: {step + 1} of {len(turns)}, loss {sum(recent) / len(recent):.3f}, {time.process_time() - begun:.0f} s", flush=True)
            recent.clear()
        if (step + 1) % KEEP == 0:
            keep(saved, planned, step + 1, trained, optimizer, schedule)
    partial = out.with_name(f"{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    model.peft_config["default"].base_model_name_or_path = kind.NAME
    model.save_pretrained(partial)
    for task, head in heads.items():
        if head is None:
            continue
        save_file(head.state_dict(), partial / f"head-{task}.safetensors")
    made = dict(rows=seen, seed=seed, torch=torch.__version__)
    (partial / "made.json").write_text(json.dumps(made))
    partial.rename(out)
    saved.unlink(missing_ok=True)


def keep(path, planned, done, trained, optimizer, schedule):
    """Save the state after `done` steps, whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    weights = [each.data for each in trained]
    torch.save(dict(plan=planned, done=done, trained=weights, optimizer=optimizer.state_dict(), schedule=schedule.state_dict()), partial)
    partial.rename(path)


def restore(path, planned, trained, optimizer, schedule):
    """Go on from a saved state, unless it is of another plan. @returns the steps done"""
    state = torch.load(path, map_location="cpu") if path.exists() else {"plan": None}
    if state["plan"] != planned:
        return 0
    for parameter, value in zip(trained, state["trained"], strict=True):
        parameter.data.copy_(value)
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    return state["done"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=[kind for kind in TASKS if kind != "quick"] + [JOINT])
    parser.add_argument("--model", choices=MODELS, default="minilm")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "build/realbench")
    parser.add_argument("--device", default=os.environ.get("REALBENCH_DEVICE", "cpu"), help="where torch computes, such as cuda")
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"Rows from {GLUE}, adapters into {args.out}.", file=sys.stderr)
    for name in args.names:
        kind, _, only = name.partition("/")
        if kind not in [*TASKS, JOINT] or only not in ["", *TASKS.get(kind, [])]:
            raise SystemExit(f"There is no set or adapter {name}; there are {', '.join([*TASKS, JOINT])}, and SET/TASK.")
        jobs = {JOINT: None} if kind == JOINT else {f"{kind}/{task}": task for task in TASKS[kind] if only in ("", task)}
        for place, task in jobs.items():
            out = args.out / args.model / place
            if not out.exists():
                out.parent.mkdir(parents=True, exist_ok=True)
                how = plan(args.model, kind, task)
                train(MODELS[args.model], out, how.pop("rows"), device=args.device, **how)


if __name__ == "__main__":
    main()
