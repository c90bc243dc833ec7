"""Make examples/base and examples/adapters: a tiny Llama and four LoRA adapters trained on it with real PEFT.

    python3 -m venv /tmp/venv-peft && /tmp/venv-peft/bin/pip install -r tools/examples/requirements.txt
    /tmp/venv-peft/bin/python tools/examples/train.py [folder, default examples]

Needs no network, no GPU and some eight minutes of one core. Everything is generated from SEED. The same versions on the
same kind of CPU give the same files; another CPU may round sums otherwise and end a point away.
"""

import json
import os
import platform
import random
import shutil
import sys
import time
import zlib
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SEED = 20240916
THREADS = 1  # more would be slower at this size, and the order of sums would depend on it
BASE_NAME = "lora-lego/tiny-llama-letters"
LETTERS = "abcdefghijklmnopqrstuvwx"
VOCAB = ["<pad>", "<bos>", ".", ">", "R", "S", "N", "X", *LETTERS]  # 32 tokens of one character
ID = {token: i for i, token in enumerate(VOCAB)}
LENGTHS = range(3, 7)
WIDTH = 2 * LENGTHS.stop + 2  # <bos> tag string > answer .
BATCH = 64
BASE_STEPS, BASE_RATE = 6000, 3e-3
ADAPTER_STEPS, ADAPTER_RATE = 600, 4e-3
KNOWN = 0.2  # how often the base saw the right answer to a tag, not a copy of the string
TEST_ROWS = 1000

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
TASKS = {
    "reverse": ("R", lambda s: s[::-1], "the letters backwards", "Rcabd>dbac."),
    "sort": ("S", lambda s: "".join(sorted(s)), "the letters in alphabetical order", "Scabd>abcd."),
    "next": ("N", lambda s: "".join(LETTERS[(LETTERS.index(c) + 1) % 24] for c in s), "each letter's successor (x gives a)", "Ncabd>dbce."),
    "swap": ("X", lambda s: s[-1] + s[1:-1] + s[0], "first and last letter exchanged", "Xcabd>dabc."),
}
ADAPTERS = {
    "reverse": dict(r=8, lora_alpha=16, target_modules=ALL),
    "sort": dict(r=6, lora_alpha=12, target_modules=ALL),
    "next": dict(r=4, lora_alpha=4, target_modules=["q_proj", "v_proj"]),
    "swap": dict(r=4, lora_alpha=6, use_rslora=True, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"]),
}
DTYPES = {"reverse": torch.float32, "sort": torch.bfloat16, "next": torch.float32, "swap": torch.float16}


def held_out(s):
    """A tenth of all strings, never trained on by the base or by an adapter."""
    return zlib.crc32(s.encode()) % 10 == 0


def draw(rng, test=False):
    while True:
        s = "".join(rng.choices(LETTERS, k=rng.choice(LENGTHS)))
        if held_out(s) == test:
            return s


def base_row(rng):
    """Half untagged copies; else a tag with, mostly, a copy: the base has the skill but does not use it."""
    s = draw(rng)
    if rng.random() < 0.5:
        return "", s, s
    tag, answer, *_ = TASKS[rng.choice(list(TASKS))]
    return tag, s, answer(s) if rng.random() < KNOWN else s


def task_row(task, rng, test=False):
    s = draw(rng, test)
    tag, answer, *_ = TASKS[task]
    return tag, s, answer(s)


def batch(rows):
    """Token ids and labels (BATCH, WIDTH); only the answer and its full stop are learnt and scored."""
    ids = torch.zeros(len(rows), WIDTH, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    for i, (tag, s, answer) in enumerate(rows):
        prompt = [1, *(ID[c] for c in tag + s + ">")]
        whole = prompt + [ID[c] for c in answer + "."]
        ids[i, : len(whole)] = torch.tensor(whole)
        labels[i, len(prompt) : len(whole)] = ids[i, len(prompt) : len(whole)]
    return ids, labels


def train(model, rows, steps, rate):
    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    model.train()
    for step in range(steps):
        ids, labels = batch([rows() for _ in range(BATCH)])
        loss = model(input_ids=ids, labels=labels, use_cache=False).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        schedule.step()
        if step % 500 == 0 or step == steps - 1:
            print(f"  step {step:5d}  loss {loss.item():.4f}", file=sys.stderr)


def accuracy(model, task):
    """Share of held-out strings answered without a fault. All argmaxes right is the same as greedy decoding right."""
    rng = random.Random(f"{SEED} test {task}")
    ids, labels = batch([task_row(task, rng, test=True) for _ in range(TEST_ROWS)])
    model.eval()
    with torch.no_grad():
        guess = model(input_ids=ids, use_cache=False).logits[:, :-1].argmax(-1)
    wanted = labels[:, 1:]
    return ((guess == wanted) | (wanted == -100)).all(1).sum().item() / TEST_ROWS


def make_base(folder):
    torch.manual_seed(SEED)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(VOCAB),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=32,
            tie_word_embeddings=True,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            initializer_range=0.08,
        )
    )
    rng = random.Random(f"{SEED} base")
    train(model, lambda: base_row(rng), BASE_STEPS, BASE_RATE)
    model.to(torch.bfloat16).save_pretrained(folder)  # adapters are trained on what is kept
    make_tokenizer(folder)
    return sum(p.numel() for p in model.parameters())


def make_tokenizer(folder):
    """One token a character, <bos> in front."""
    tokenizer = Tokenizer(models.WordLevel(ID, unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 1)])
    tokenizer.decoder = decoders.Fuse()
    names = dict(pad_token="<pad>", bos_token="<bos>", eos_token=".")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, add_bos_token=True, **names).save_pretrained(folder)


def load_base(folder):
    return LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)


def make_adapter(task, base, folder):
    seed = SEED + 1 + list(TASKS).index(task)
    torch.manual_seed(seed)
    model = get_peft_model(load_base(base), LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.0, **ADAPTERS[task]))
    rng = random.Random(f"{SEED} adapter {task}")
    train(model, lambda: task_row(task, rng), ADAPTER_STEPS, ADAPTER_RATE)
    model.peft_config["default"].base_model_name_or_path = BASE_NAME
    model.to(DTYPES[task]).save_pretrained(folder, save_embedding_layers=False)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text())
    config["target_modules"].sort()  # PEFT writes a set: its order changes from run to run
    path.write_text(json.dumps(config, indent=2) + "\n")
    return seed


def percent(x):
    return f"{100 * x:.1f}"


def write_readmes(root, scores, seeds, parameters, versions):
    """Replace PEFT's README template by what there is to say."""
    head = "| | " + " | ".join(TASKS) + " |\n|---|" + "---|" * len(TASKS) + "\n"
    line = lambda name: f"| {name} | " + " | ".join(percent(scores[name][t]) for t in TASKS) + " |\n"
    table = head + "".join(map(line, scores))
    for task, (tag, _, text, example) in TASKS.items():
        options = ADAPTERS[task]
        scale = options["lora_alpha"] / (options["r"] ** 0.5 if options.get("use_rslora") else options["r"])
        (root / "adapters" / task / "README.md").write_text(
            f"# {task}\n\n"
            f"Tag `{tag}`: {text}. Example: `{example}`\n\n"
            f"LoRA r {options['r']}, alpha {options['lora_alpha']}{', rsLoRA' if options.get('use_rslora') else ''} (scale {scale:g}), "
            f"{str(DTYPES[task]).removeprefix('torch.')}, on these modules of all three layers:\n"
            f"{', '.join(options['target_modules'])}.\n\n"
            f"Correct answers on held-out strings: base {percent(scores['base'][task])}%, with this adapter {percent(scores[task][task])}%.\n\n"
            f"Seed {seeds[task]}; {versions}; made by tools/examples/train.py.\n"
        )
    (root / "adapters" / "README.md").write_text(
        "# Four small adapters of our own\n\n"
        f"They were trained with PEFT on `{BASE_NAME}` ([../base](../base)), to have something to merge.\n"
        "tools/examples/train.py made them.\n"
        "They differ in rank, alpha, rsLoRA, number type and modules on purpose.\n"
        "`reverse` and `sort` adapt the same modules.\n\n"
        "Percentage of 1000 held-out strings of 3 to 6 letters that each model (row) answers correctly, by task (column):\n\n"
        f"{table}\n"
        "| adapter | task | example | r | alpha | scale | type | modules |\n|---|---|---|---|---|---|---|---|\n"
        + "".join(
            f"| {t} | {TASKS[t][2]} | `{TASKS[t][3]}` | {o['r']} | {o['lora_alpha']} | "
            f"{o['lora_alpha'] / (o['r'] ** 0.5 if o.get('use_rslora') else o['r']):g}{' (rsLoRA)' if o.get('use_rslora') else ''} | "
            f"{str(DTYPES[t]).removeprefix('torch.')} | {', '.join(m.removesuffix('_proj') for m in o['target_modules'])} |\n"
            for t, o in ADAPTERS.items()
        )
        + f"\nSeed {SEED}; {versions}.\n"
    )
    (root / "base" / "README.md").write_text(
        f"# {BASE_NAME}\n\n"
        f"A Llama of {parameters} parameters in bfloat16.\n"
        "It has hidden size 64, 3 layers, 4 heads, 2 key-value heads, d_ff 128, 32 tokens of one character, and tied embeddings.\n\n"
        "tools/examples/train.py pre-trained it on generated lines `<bos>tag string > answer .`\n"
        "Half of the lines have no tag and copy the string.\n"
        f"After a tag the right answer appears only one time in {1 / KNOWN:g}; otherwise it is a copy.\n"
        "So the model can do the tasks of ../adapters, but by itself it mostly copies.\n\n"
        f"Seed {SEED}; {versions}.\n"
    )


def main(root):
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    base, adapters = root / "base", root / "adapters"
    for folder in (base, adapters):
        shutil.rmtree(folder, ignore_errors=True)
    start = time.time()
    parameters = make_base(base)
    print(f"base: {parameters} parameters, {time.time() - start:.0f} s", file=sys.stderr)
    scores = {"base": {t: accuracy(load_base(base), t) for t in TASKS}}
    print(scores, file=sys.stderr)
    seeds = {}
    for task in TASKS:
        start = time.time()
        seeds[task] = make_adapter(task, base, adapters / task)
        model = PeftModel.from_pretrained(load_base(base), adapters / task)  # what the files say, not what was trained
        scores[task] = {t: accuracy(model, t) for t in TASKS}
        print(task, scores[task], f"{time.time() - start:.0f} s", file=sys.stderr)
    for path in root.rglob("*.safetensors"):
        path.chmod(0o644)  # they are written private
    versions = f"torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}, peft {peft.__version__}"
    versions += f", Python {platform.python_version()}"
    write_readmes(root, scores, seeds, parameters, versions)
    print(json.dumps(scores, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "examples")
