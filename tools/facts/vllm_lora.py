"""Print which architectures of vLLM take LoRA, for src/adapter/vllm-architectures.ts.

Needs vLLM's source in a folder (0.33.0: unpack the wheel); nothing of it is run: classes and the registry are read as text.
python vllm_lora.py <folder that holds vllm/>
"""

import ast
import sys
from collections import defaultdict
from pathlib import Path

MODELS = Path(sys.argv[1]) / "vllm/model_executor/models"
# Draft models serve no requests, and Transformers' own classes are named in no config.
LEFT = {"_SPECULATIVE_DECODING_MODELS", "_TRANSFORMERS_BACKEND_MODELS"}


def bare(node):
    """The class that an expression in a list of bases stands for: Base[T], as_embedding_model(Base), module.Base."""
    while isinstance(node, (ast.Subscript, ast.Call)):
        node = node.value if isinstance(node, ast.Subscript) else node.args[0]
    return ast.unparse(node).split(".")[-1]


classes = defaultdict(list)
for path in MODELS.rglob("*.py"):
    module = ".".join(path.relative_to(MODELS).with_suffix("").parts)
    tree = ast.parse(path.read_text())
    named, alias = {}, {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            named.update({item.asname or item.name: item.name for item in node.names})
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and node.value.args:
            target, first = node.targets[0], node.value.args[0]
            if isinstance(target, ast.Name) and target.id.endswith("Base") and isinstance(first, ast.Name):
                alias[target.id] = first.id
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        embeddings = None
        for line in node.body:
            if isinstance(line, (ast.Assign, ast.AnnAssign)) and line.value is not None:
                target = line.targets[0] if isinstance(line, ast.Assign) else line.target
                if isinstance(target, ast.Name) and target.id == "embedding_modules":
                    try:
                        embeddings = sorted(ast.literal_eval(line.value))
                    except ValueError:
                        embeddings = ["?"]
        bases = [bare(base) for base in node.bases]
        bases = [named.get(alias.get(base, base), alias.get(base, base)) for base in bases]
        classes[node.name].append((module, bases, embeddings))


def walk(name, module, seen=()):
    """The classes that one inherits from, itself first."""
    found = classes.get(name)
    if found is None or name in seen:
        yield name, None
        return
    own = next((each for each in found if each[0] == module), found[0])
    yield name, own[2]
    for base in own[1]:
        yield from walk(base, own[0], (*seen, name))


groups, seen = defaultdict(list), set()
for node in ast.parse((MODELS / "registry.py").read_text()).body:
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    if not isinstance(target, ast.Name) or not target.id.endswith("_MODELS") or target.id in LEFT:
        continue
    if not isinstance(node.value, ast.Dict):
        continue
    for key, value in zip(node.value.keys, node.value.values):
        if not isinstance(value, ast.Tuple) or key is None or key.value in seen:
            continue
        seen.add(key.value)
        module, name = ast.literal_eval(value)
        line = list(walk(name, module))
        if not any(each == "SupportsLoRA" for each, _ in line):
            groups["no LoRA"].append(key.value)
            continue
        embeddings = next((found for _, found in line if found), None)
        # Models of several parts may take what their language model takes, which is another class.
        alone = target.id == "_TEXT_GENERATION_MODELS"
        groups[" ".join(embeddings or (["linear alone"] if alone else ["not known"]))].append(key.value)

for group, names in groups.items():
    print(f"{group}: {' '.join(names)}\n")
