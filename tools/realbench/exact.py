"""Exact answers of a model with adapters: python exact.py minilm|smollm2 SET TASK ..., one JSON line in, one out.

A request names folders of adapters, which PEFT adds in its own forward pass. The answer is the log-probability of every class of the first
dev rows of each task; SET is the folder of the tasks' adapters, beside which MiniLM's heads lie. All in float32, one thread.
"""

import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from peft import PeftModel
from safetensors.torch import load_file

from batches import cut
from models import MODELS
from rows import rows

ROWS = 32


def scores(kind, tokenizer, model, home, tasks):
    found = []
    for task in tasks:
        head = kind.new_head(task)
        if head is not None:
            head.load_state_dict(load_file(home / task / f"head-{task}.safetensors"))
        of = rows(task, "dev")[:ROWS]
        for places in cut(of, kind.SCORE_BATCH):
            inputs = kind.tensors(tokenizer, task, [of[i] for i in places])
            found += kind.logits(model, head, tokenizer, task, inputs, exact=True).log_softmax(1).tolist()
    return found


def main():
    name, home, *tasks = sys.argv[1:]
    torch.set_num_threads(1)
    kind = MODELS[name]
    tokenizer, base = kind.load("eager")
    base.eval().requires_grad_(False)
    for line in sys.stdin:
        first, *others = json.loads(line)["adapters"]
        model = PeftModel.from_pretrained(base, first, adapter_name="0").eval()
        for i, adapter in enumerate(others, 1):
            model.load_adapter(adapter, adapter_name=str(i))
        model.base_model.set_adapter([str(i) for i in range(1 + len(others))])
        with torch.no_grad():
            print(json.dumps(scores(kind, tokenizer, model, Path(home), tasks)), flush=True)
        base = model.unload()


if __name__ == "__main__":
    main()
