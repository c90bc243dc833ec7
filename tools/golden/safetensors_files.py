"""Write test/golden/safetensors/*: small files by the Python library, and manifest.json saying what they hold.

    python3 -m venv /tmp/venv-st && /tmp/venv-st/bin/pip install safetensors==0.8.0
    /tmp/venv-st/bin/python tools/golden/safetensors_files.py [folder]

Needs no numpy: the tensors are raw bytes. Runs with safetensors 0.4 to 0.8, and all of them write the same bytes
(dtypes that a version does not know are left out of its files; "metadata-two" is in random order by their hash map).
"""

import json
import platform
import sys
from pathlib import Path

import safetensors

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "test/golden/safetensors")

# Header name, the name that the Python binding takes, bits of an element.
DTYPES = [
    ("BOOL", "bool", 8),
    ("F4", "float4_e2m1fn_x2", 4),
    ("U8", "uint8", 8),
    ("I8", "int8", 8),
    ("F8_E5M2", "float8_e5m2", 8),
    ("F8_E4M3", "float8_e4m3fn", 8),
    ("F8_E8M0", "float8_e8m0fnu", 8),
    ("I16", "int16", 16),
    ("U16", "uint16", 16),
    ("F16", "float16", 16),
    ("BF16", "bfloat16", 16),
    ("I32", "int32", 32),
    ("U32", "uint32", 32),
    ("F32", "float32", 32),
    ("C64", "complex64", 64),
    ("F64", "float64", 64),
    ("I64", "int64", 64),
    ("U64", "uint64", 64),
]
PYTHON_NAME = {name: python for name, python, _ in DTYPES}
BITS = {name: bits for name, _, bits in DTYPES}


def tensor(name, dtype, shape, seed=0):
    count = 1
    for size in shape:
        count *= size
    size = count * BITS[dtype] // 8
    data = bytes(i % 2 if dtype == "BOOL" else (i * 37 + seed * 11 + 1) % 256 for i in range(size))
    return {"name": name, "dtype": dtype, "shape": list(shape), "hex": data.hex()}


LORA = [
    tensor(f"base_model.model.model.layers.{layer}.self_attn.{proj}.lora_{ab}.weight", "BF16", shape, layer)
    for layer in (0, 1, 2, 10)
    for proj in ("q_proj", "v_proj")
    for ab, shape in (("A", (2, 4)), ("B", (4, 2)))
]

FILES = {
    "no-tensors": ([], None),
    # No file without tensors but with empty metadata: the library writes broken JSON for it ('{},"__metadata__":{}}').
    "lora": (LORA, {"format": "pt"}),
    "every-dtype": ([tensor(f"t{i % 3}.{name}", name, (2, 2), i) for i, (name, _, _) in enumerate(DTYPES)], None),
    "common-dtypes": (
        [tensor(f"t.{n}", n, (3,)) for n in ("BOOL", "U8", "I8", "I16", "F16", "BF16", "I32", "F32", "F64", "I64")],
        {"format": "np"},
    ),
    "unaligned": ([tensor("b", "F32", (1,)), tensor("a", "U8", (3,)), tensor("c", "F16", (1,)), tensor("d", "I8", (1,))], None),
    "scalars-and-empty": (
        [
            tensor("alpha", "F32", ()),
            tensor("none", "F32", (0,)),
            tensor("between", "F32", (3, 0, 2)),
            tensor("count", "I64", ()),
            tensor("last", "U8", (0, 5)),
        ],
        {},
    ),
    "unicode-names": (
        # U+FF5E sorts before U+1F600 in UTF-8 and after it in UTF-16.
        [tensor(name, "U8", (1,), i) for i, name in enumerate(["\uff5e", "\U0001f600", "é", "e\u0301", "z", "模块.lora_A", "\U0010ffff", "\ue000", ""])],
        {"größe": "naïve 模块 \U0001f600"},
    ),
    "escaped-names": (
        [tensor(chr(code), "U8", (1,), code) for code in range(0x20)]
        + [tensor(name, "U8", (1,), i) for i, name in enumerate(['"', "\\", "/", "\x7f", "\x80", "\u2028", "a\nb", "</script>"])],
        {'"quoted"\t': "line\r\nline\b\f\\\x01\x7f\u2029"},
    ),
    "object-names": (
        [tensor(name, "F16", (1,), i) for i, name in enumerate(["__proto__", "constructor", "toString", "10", "9", "0", "length"])],
        {"__proto__": "x"},
    ),
    "metadata-two": ([tensor("a", "F32", (2,))], {"format": "pt", "a": "1"}),
}


def encode(tensors, metadata):
    """Through the raw binding; its argument changed in 0.8."""
    if not hasattr(safetensors, "TensorSpec"):
        spec = {
            t["name"]: {
                "dtype": PYTHON_NAME[t["dtype"]],
                "shape": packed_shape(t),
                "data": bytes.fromhex(t["hex"]),
            }
            for t in tensors
        }
        return bytes(safetensors.serialize(spec, metadata=metadata))
    import ctypes

    buffers = {t["name"]: ctypes.create_string_buffer(bytes.fromhex(t["hex"]), len(t["hex"]) // 2) for t in tensors}
    spec = {
        t["name"]: safetensors.TensorSpec(
            dtype=PYTHON_NAME[t["dtype"]],
            shape=packed_shape(t),
            data_ptr=ctypes.addressof(buffers[t["name"]]),
            data_len=len(t["hex"]) // 2,
        )
        for t in tensors
    }
    return bytes(safetensors.serialize(spec, metadata=metadata))


def packed_shape(t):
    """The binding counts pairs of F4 elements, the file single ones."""
    shape = list(t["shape"])
    if t["dtype"] == "F4":
        shape[-1] //= 2
    return shape


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    manifest = {
        "generator": "tools/golden/safetensors_files.py",
        "versions": {"python": platform.python_version(), "safetensors": safetensors.__version__},
        "files": {},
    }
    for name, (tensors, metadata) in FILES.items():
        try:
            data = encode(tensors, metadata)
        except Exception as error:  # an old version that lacks a dtype
            print(f"{name}: left out: {error}")
            continue
        (OUT / f"{name}.safetensors").write_bytes(data)
        manifest["files"][name] = {"metadata": metadata, "tensors": tensors}
    (OUT / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=True) + "\n")


main()
