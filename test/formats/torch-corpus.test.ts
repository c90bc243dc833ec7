import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../src/core/bytes.ts";
import { readTorch } from "../../src/formats/torch/read.ts";

const CORPUS = fileURLToPath(new URL("../../../shared/corpus/", import.meta.url));
const absent = !existsSync(CORPUS);

/**
 * By torch.load of 1.13.1: SHA-256 over the tensors sorted by name, each as its name, its shape ("[8,768]") and its
 * bytes; the first values of one tensor.
 */
const FILES = [
  {
    folder: "gpt2-bin",
    count: 49,
    hash: "0bc67410065fca723002945aa95a4337548c220a027f08c2b6c8d436831c593b",
    name: "base_model.model.transformer.h.0.attn.c_attn.lora_B.weight",
    shape: [2304, 8],
    values: [-0.0006382042192853987, 0.0016550528816878796, -0.00034882448380813],
  },
  {
    folder: "bloom-mergedlinear-bin",
    count: 48,
    hash: "6d7d04b7a398bdf49ae630ad8b91ca9bc525b628ef69b288967d82d9d420ba5f",
    name: "base_model.model.transformer.h.23.self_attention.query_key_value.lora_B.weight",
    shape: [2048, 8, 1],
    values: [0.002655412070453167, 0.0025370835792273283, -0.015584209933876991],
  },
];

describe.skipIf(absent)(`readTorch on strangers' files${absent ? ` (skipped: there is no ${CORPUS})` : ""}`, () => {
  it.each(FILES)("finds in $folder what torch.load does", async ({ folder, count, hash, name, shape, values }) => {
    const bytes = new Uint8Array(readFileSync(`${CORPUS}${folder}/adapter_model.bin`));
    const tensors = await readTorch(memorySource("adapter_model.bin", bytes));
    expect(tensors.size).toBe(count);
    const sum = createHash("sha256");
    for (const key of [...tensors.keys()].sort()) {
      const info = tensors.get(key)!;
      sum.update(key).update(JSON.stringify(info.shape)).update(bytes.subarray(info.begin, info.end));
    }
    expect(sum.digest("hex")).toBe(hash);
    const { begin, dtype, shape: found } = tensors.get(name)!;
    expect({ dtype, found }).toEqual({ dtype: "F32", found: shape });
    const view = new DataView(bytes.buffer, begin);
    expect(values.map((_, i) => view.getFloat32(4 * i, true))).toEqual(values.map(Math.fround));
  });
});
