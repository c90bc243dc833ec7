"""Score adapters of a model for tools/evidence/real-host.mjs: python score.py minilm|smollm2, one JSON line in, one out.

The first line out holds for each task the rows' labels, a digest of the rows, and whose head answers. A request names an adapter's folder
(null for the bare model) and a digest of its content, the factor of its delta, dev or test, a task and the file of its head (null where
the model has none); the answer is the log-probability of every class of every row. The delta is PEFT's own.
REALBENCH_DEVICE says where torch computes (cpu).
"""

import copy
import hashlib
import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

from batches import cut
from rows import SEEN, UNSEEN, files, rows

LIMITS = {"dev": 64, "test": 400}
# For an unseen task: whose head answers, and which of its classes each own class is.
BORROWED = {"snli": ("mnli", [0, 1, 2]), "wnli": ("rte", [1, 0])}


class Scorer:
    def __init__(self, kind, parts):
        import torch

        from models import MODELS, round_frozen

        torch.set_num_threads(1)
        self.torch, self.kind, self.parts = torch, MODELS[kind], parts
        self.device = os.environ.get("REALBENCH_DEVICE", "cpu")
        self.tokenizer, self.model = self.kind.load("sdpa")
        self.model.eval().requires_grad_(False).to(self.device)
        self.spare = copy.deepcopy(self.model)
        self.weights = round_frozen(self.model)
        self.batches, self.content, self.scale, self.deltas = {}, "base", 1, {}

    def answer(self, adapter, content, scale, part, task, head):
        with self.torch.no_grad():
            if (content, scale) != (self.content, self.scale):
                if content != self.content:
                    self.deltas = {} if adapter is None else self.deltas_of(adapter)
                self.put_on(scale)
                self.content, self.scale = content, scale
            return self.score(task, part, head)

    def put_on(self, scale):
        """Base weights plus scale times the adapter's delta."""
        state = self.model.state_dict()
        for name, tensor in self.weights.items():
            delta = self.deltas.get(name)
            state[name].copy_(tensor if delta is None else tensor + scale * delta)

    def deltas_of(self, adapter):
        """The dense delta of every adapted weight, as PEFT computes it."""
        from peft import PeftModel
        from peft.tuners.lora import LoraLayer

        model = PeftModel.from_pretrained(self.spare, adapter)
        layers = [(name, layer) for name, layer in model.base_model.model.named_modules() if isinstance(layer, LoraLayer)]
        deltas = {f"{name}.weight": layer.get_delta_weight("default") for name, layer in layers}
        if deltas.keys() - self.weights.keys():
            raise SystemExit(f"{adapter} changes {min(deltas.keys() - self.weights.keys())}, which is no linear layer inside the model.")
        self.spare = model.unload()
        return deltas

    def score(self, task, part, path):
        from safetensors.torch import load_file

        asked, order = (task, None) if path is None else BORROWED.get(task, (task, None))
        head = self.kind.new_head(asked)
        if head is not None:
            head.load_state_dict(load_file(path))
            head.to(self.device)
        found = {}
        for places, inputs in self.batched(task, part):
            logits = self.kind.logits(self.model, head, self.tokenizer, task, inputs)
            lines = logits.log_softmax(1)[:, order or slice(None)].tolist()
            found.update(zip(places, ([round(value, 4) for value in line] for line in lines)))
        return [found[i] for i in range(len(found))]

    def batched(self, task, part):
        """Rows of similar length together: their places, and the tensors."""
        if (task, part) not in self.batches:
            of = self.parts[part][task]
            tensors = lambda places: self.kind.tensors(self.tokenizer, task, [of[i] for i in places]).to(self.device)
            self.batches[task, part] = [(places, tensors(places)) for places in cut(of, self.kind.SCORE_BATCH)]
        return self.batches[task, part]


def main():
    # SNLI is no part of GLUE, so not everyone has it.
    tasks = SEEN + [task for task in UNSEEN if any(path.exists() for path in files(task, "dev"))]
    parts = {part: {task: rows(task, part)[:limit] for task in tasks} for part, limit in LIMITS.items()}
    digest = lambda of: hashlib.sha256(json.dumps(of).encode()).hexdigest()
    describe = lambda task, of: {"answers": [row[2] for row in of], "digest": digest(of), "head": BORROWED.get(task, [task])[0]}
    tell = lambda value: print(json.dumps(value), flush=True)
    tell({part: {task: describe(task, of) for task, of in found.items()} for part, found in parts.items()})
    scorer = None
    for line in sys.stdin:
        scorer = scorer or Scorer(sys.argv[1], parts)
        tell(scorer.answer(**json.loads(line)))


if __name__ == "__main__":
    main()
