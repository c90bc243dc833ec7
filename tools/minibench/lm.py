"""Tokeniser, models and the one training loop of minibench."""

import math
import random
import sys
import time

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import tasks as t
import text

PAD, BOS, EOS = "<pad>", "<s>", "</s>"
CONTEXT = 64
TOLD_WEIGHT, KNOWN_WEIGHT = 0.2, 4.0
LLAMA_SIZES = {
    "llama": dict(hidden_size=128, intermediate_size=384, num_hidden_layers=4, num_attention_heads=4),
    "large": dict(hidden_size=512, intermediate_size=1536, num_hidden_layers=8, num_attention_heads=8),
}


def make_tokenizer(seed=0, documents=60_000):
    """Byte-level BPE in which every word of the world is one token."""
    rng = random.Random(f"tokenizer {seed}")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4096, special_tokens=[PAD, BOS, EOS], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
    )
    tokenizer.train_from_iterator(("".join(text.document(rng)) for _ in range(documents)), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, tokenizer.token_to_id(BOS))])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, bos_token=BOS, eos_token=EOS)


def make_model(shape, tokenizer, seed=0):
    """A model with random weights: `llama` (rotary, RMSNorm, gated; `large` the same, wider and deeper) or `gpt2` (learnt positions, LayerNorm, fused q, k, v)."""
    torch.manual_seed(seed)
    ids = dict(pad_token_id=tokenizer.pad_token_id, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id)
    if shape in LLAMA_SIZES:
        return LlamaForCausalLM(LlamaConfig(
            vocab_size=len(tokenizer), max_position_embeddings=CONTEXT, tie_word_embeddings=True, rms_norm_eps=1e-5, **LLAMA_SIZES[shape], **ids,
        ))
    return GPT2LMHeadModel(GPT2Config(
        vocab_size=len(tokenizer), n_embd=128, n_layer=4, n_head=4, n_positions=CONTEXT, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, **ids,
    ))


class Muon(torch.optim.Optimizer):
    """Momentum whose matrix is made orthogonal before each step (K. Jordan et al., "Muon", 2024): a base model learns in two thirds of AdamW's steps."""

    def __init__(self, weights, lr, momentum=0.95):
        super().__init__(weights, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            by_shape = {}
            for weight in group["params"]:
                velocity = self.state[weight].setdefault("velocity", torch.zeros_like(weight))
                velocity.lerp_(weight.grad, 1 - group["momentum"])
                by_shape.setdefault(weight.shape, []).append((weight, weight.grad.lerp(velocity, group["momentum"])))
            for (rows, columns), pairs in by_shape.items():
                updates = orthogonal(torch.stack([update for _, update in pairs]))
                for (weight, _), update in zip(pairs, updates):
                    weight.add_(update, alpha=-group["lr"] * max(1, rows / columns) ** 0.5)


def orthogonal(matrices, steps=5):
    """Newton and Schulz's iteration towards the nearest orthogonal matrices, with Muon's coefficients."""
    wide = matrices.shape[-1] >= matrices.shape[-2]
    x = matrices if wide else matrices.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.775 * gram + 2.0315 * gram @ gram) @ x
    return x if wide else x.mT


def optimisers(model, rate, decay, matrix_rate):
    """AdamW, and Muon for the matrices inside the layers where it has a rate."""
    weights = {name: p for name, p in model.named_parameters() if p.requires_grad}
    inside = [] if matrix_rate is None else [p for name, p in weights.items() if p.dim() == 2 and (".layers." in name or ".h." in name)]
    others = [p for p in weights.values() if not any(p is matrix for matrix in inside)]
    adam = torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.98), weight_decay=decay)
    return [adam, Muon(inside, matrix_rate)] if inside else [adam]


def train(model, batches, steps, rate, warmup=0.05, decay=0.01, matrix_rate=None, mixed=False, watch=None, every=500):
    """Linear warm-up, then a cosine to a tenth of the rate; `batches` yields (ids, weights of their losses)."""
    used = optimisers(model, rate, decay, matrix_rate)
    warm = max(1, int(warmup * steps))

    def share(step):
        return (step + 1) / warm if step < warm else 0.55 + 0.45 * math.cos(math.pi * (step - warm) / max(1, steps - warm))

    schedules = [torch.optim.lr_scheduler.LambdaLR(one, share) for one in used]
    model.train()
    start, total = time.time(), 0.0
    for step in range(1, steps + 1):
        ids, learnt = (each.to(model.device) for each in next(batches))
        with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=mixed):
            loss = loss_of(model, ids, learnt)
        for one in used:
            one.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
        for one, schedule in zip(used, schedules):
            one.step()
            schedule.step()
        total += loss.item()
        if step % every == 0 or step == steps:
            print(f"  step {step:6d} loss {total / every:.4f} {time.time() - start:6.0f} s {watch(model) if watch else ''}", file=sys.stderr, flush=True)
            total = 0.0
            model.train()
    model.eval()


def loss_of(model, ids, weights):
    """Mean cross-entropy of the tokens of `ids` by their weights (0 for what is not learnt)."""
    logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
    weights = weights[:, 1:]
    learnt = weights > 0
    losses = torch.nn.functional.cross_entropy(logits[learnt].float(), ids[:, 1:][learnt], reduction="none")
    return (losses * weights[learnt]).sum() / weights.sum()


def padded(rows, tokenizer):
    width = max(len(row) for row in rows)
    ids = torch.full((len(rows), width), tokenizer.pad_token_id)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
    return ids


def text_batches(tokenizer, seed, size, leaning, chunk=64):
    """Endless batches of documents, of like length within a batch; what is to be known weighs more than what is told."""
    rng = random.Random(f"text {seed}")
    marks = torch.tensor([ids[0] for ids in ids_of(tokenizer, [f" {mark}" for mark in text.MARKS])])
    while True:
        documents = [text.document(rng, leaning) for _ in range(size * chunk)]
        beginnings = ids_of(tokenizer, [one for one, _ in documents])
        ends = ids_of(tokenizer, [other for _, other in documents])
        encoded = sorted(zip(beginnings, ends), key=lambda pair: len(pair[0]) + len(pair[1]))
        groups = [encoded[i : i + size] for i in range(0, len(encoded), size)]
        rng.shuffle(groups)
        for group in groups:
            ids = padded([[tokenizer.bos_token_id, *one, *other, tokenizer.eos_token_id] for one, other in group], tokenizer)
            weights = (ids != tokenizer.pad_token_id) * TOLD_WEIGHT
            for i, (one, other) in enumerate(group):
                weights[i, len(one) + 1 : len(one) + 1 + len(other)] = KNOWN_WEIGHT if len(other) < 6 else 1
            weights[torch.isin(ids, marks)] = KNOWN_WEIGHT
            yield ids, weights


def row_batches(streams, tokenizer, seed, size):
    """Endless batches of task rows, of each stream in turn by chance; only the answer is learnt."""
    rng = random.Random(f"rows {seed}")
    while True:
        rows = [next(rng.choice(streams)) for _ in range(size)]
        encoded = encode(rows, tokenizer)
        ids = padded([prompt + answer for prompt, answer in encoded], tokenizer)
        weights = torch.zeros(ids.shape)
        for i, (prompt, answer) in enumerate(encoded):
            weights[i, len(prompt) : len(prompt) + len(answer)] = 1
        yield ids, weights


def encode(rows, tokenizer):
    """(prompt tokens with <s>, answer tokens) of each row."""
    prompts = ids_of(tokenizer, [row.prompt for row in rows])
    answers = ids_of(tokenizer, [f" {row.answer}" for row in rows])
    return [([tokenizer.bos_token_id, *prompt], answer) for prompt, answer in zip(prompts, answers)]


def ids_of(tokenizer, texts):
    """Token ids of texts, without <s>."""
    return [row.ids for row in tokenizer.backend_tokenizer.encode_batch(texts, add_special_tokens=False)]


@torch.no_grad()
def answers(model, tokenizer, rows, size=256):
    """The index of the choice that the model finds likeliest, for each row. Every choice is one token."""
    model.eval()
    found = [0] * len(rows)
    encoded = encode(rows, tokenizer)
    order = sorted(range(len(rows)), key=lambda i: len(encoded[i][0]))
    for start in range(0, len(rows), size):
        some = order[start : start + size]
        ids = padded([encoded[i][0] for i in some], tokenizer)
        logits = model(input_ids=ids.to(model.device), use_cache=False).logits.cpu()
        for j, i in enumerate(some):
            choices = [ids[0] for ids in ids_of(tokenizer, [f" {choice}" for choice in rows[i].choices])]
            found[i] = int(logits[j, len(encoded[i][0]) - 1, choices].argmax())
    return found


def take(task, split, count, seed=0):
    stream = t.rows(task, split, seed)
    return [next(stream) for _ in range(count)]


def accuracy(model, tokenizer, rows):
    right = [rows[i].choices[a] == rows[i].answer for i, a in enumerate(answers(model, tokenizer, rows))]
    return sum(right) / len(right)
