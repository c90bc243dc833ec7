"""Labelled rows of GLUE's tasks and SNLI in fixed train, dev and test parts.

A row is (first text, second text or None, label). Folders and columns are those of the official files; ../../../shared/corpus/glue has MNLI
and SNLI as JSON lines and QQP as new_dev.tsv without a header, which are read as well. MNLI, QNLI, QQP and SNLI have only their dev file
there, so for everyone that file is split by the checksum of the row: 7 of 10 rows train, 1 dev, 2 test. The other tasks train on their own
train file, and the checksum halves their dev file into dev and test.
"""

import hashlib
import json
import os
from pathlib import Path

SEEN = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"]
UNSEEN = ["snli", "wnli"]
FOLDERS = dict(zip(SEEN + UNSEEN, ["CoLA", "MNLI", "MRPC", "QNLI", "QQP", "RTE", "SST-2", "SNLI", "WNLI"]))
ONE_FILE = {"mnli", "qnli", "qqp", "snli"}
DEV_FILES = {"mnli": ["dev_matched.tsv", "dev_matched.jsonl"], "qqp": ["dev.tsv", "new_dev.tsv"], "snli": ["dev.jsonl"]}
INFERENCE = {"entailment": 0, "neutral": 1, "contradiction": 2}
FOLLOWS = {"entailment": 0, "not_entailment": 1}
NUMBERS = {"0": 0, "1": 1}
# The header's names of the texts and the label, and the number of each label.
COLUMNS = {
    "mnli": ("sentence1", "sentence2", "gold_label", INFERENCE),
    "mrpc": ("#1 String", "#2 String", "Quality", NUMBERS),
    "qnli": ("question", "sentence", "label", FOLLOWS),
    "qqp": ("question1", "question2", "is_duplicate", NUMBERS),
    "rte": ("sentence1", "sentence2", "label", FOLLOWS),
    "sst2": ("sentence", None, "label", NUMBERS),
    "wnli": ("sentence1", "sentence2", "label", NUMBERS),
}
WITHOUT_HEADER = {"cola": ["source", "label", "mark", "sentence"], "qqp": ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"]}
CLASSES = {task: 3 if task in ("mnli", "snli") else 2 for task in FOLDERS}
GLUE = Path(os.environ.get("REALBENCH_GLUE") or Path(__file__).parents[3] / "shared/corpus/glue")


def rows(task, part):
    """The rows of one part, in the order of their checksums, which is as good as random. @param part train, dev or test"""
    if task in ONE_FILE:
        of = {"train": range(7), "dev": [7], "test": [8, 9]}[part]
        found = [row for row in read(task, "dev") if checksum(row) % 10 in of]
    elif part == "train":
        found = read(task, "train")
    else:
        found = [row for row in read(task, "dev") if checksum(row) % 2 == ("dev", "test").index(part)]
    return sorted(found, key=checksum)


def checksum(row):
    return int(hashlib.sha256(f"{row[0]}\0{row[1] or ''}".encode()).hexdigest()[:8], 16)


def files(task, split):
    names = DEV_FILES.get(task, ["dev.tsv"]) if split == "dev" else ["train.tsv"]
    return [GLUE / FOLDERS[task] / name for name in names]


def read(task, split):
    path = next((path for path in files(task, split) if path.exists()), None)
    if path is None:
        raise SystemExit(f"{files(task, split)[0]} is missing; pass --glue with a folder of GLUE's files.")
    text = path.read_text(encoding="utf-8-sig")
    found = json_rows(text) if path.suffix == ".jsonl" else tab_rows(task, text)
    if not found:
        raise SystemExit(f"{path} holds no labelled row of {task}.")
    return found


def json_rows(text):
    lines = [json.loads(line) for line in text.splitlines()]
    get = lambda line, *keys: next((line[key] for key in keys if key in line), None)
    found = [(get(line, "sentence1", "premise"), get(line, "sentence2", "hypothesis"), get(line, "gold_label", "label")) for line in lines]
    return [(one, other, INFERENCE[label]) for one, other, label in found if label in INFERENCE]


def tab_rows(task, text):
    """Tab-separated without quoting; lines with another number of columns or without a label are left out."""
    lines = [line.split("\t") for line in text.split("\n")]
    bare = WITHOUT_HEADER.get(task)
    header = bare if bare is not None and "is_duplicate" not in lines[0] else lines.pop(0)
    first, second, label, numbers = COLUMNS.get(task, ("sentence", None, "label", NUMBERS))
    one, other, answer = (None if name is None else header.index(name) for name in (first, second, label))
    kept = [line for line in lines if len(line) == len(header) and line[answer] in numbers]
    return [(line[one], None if other is None else line[other], numbers[line[answer]]) for line in kept]


if __name__ == "__main__":
    for task in SEEN + UNSEEN:
        parts = {part: rows(task, part) for part in ("train", "dev", "test") if not (part == "train" and task == "snli")}
        shares = {part: f"{len(of)}, {max(sum(row[2] == c for row in of) for c in range(CLASSES[task])) / len(of):.0%} of one label" for part, of in parts.items()}
        print(task, shares)
