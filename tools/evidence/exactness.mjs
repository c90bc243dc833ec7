/** What must not change a model's answers: the order of an adapter's ranks, and adapters concatenated instead of added. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "../../build/lib/core/random.js";
import { prepareAdapter, prepareBase } from "../../build/lib/node/evaluate/gguf-inputs.js";
import { loadModel } from "../../build/lib/node/evaluate/llama.js";
import { scoreRows } from "../../build/lib/node/evaluate/score-rows.js";
import { readTaskFiles } from "../../build/lib/node/evaluate.js";
import { mergeToFolder } from "../../build/lib/node/index.js";
import { readAdapter, writeAdapter } from "./adapter-files.mjs";

/** @returns by what was compared: rows, and the largest difference of a choice's log-probability */
export async function exactnessOf({ base, adapters, tasks, limit }, llama) {
  const scratch = mkdtempSync(join(tmpdir(), "lora-lego-exactness-"));
  const rows = readTaskFiles(tasks, { limit });
  const { model: file, config } = await prepareBase(scratch, base);
  const { model, close } = await loadModel(llama, file, 1);
  let made = 0;
  const ready = (path) => prepareAdapter(scratch, made++, path, config, {});
  const merged = async (inputs, method) => {
    const out = join(scratch, `merge-${made++}`);
    await mergeToFolder(inputs, { method, dtype: "f32" }, { out, threads: 1 });
    return out;
  };
  const scores = async (paths) => {
    const on = [];
    for (const path of paths) on.push({ filePath: await ready(path), scale: 1 });
    const found = await scoreRows(model, on, rows, 1);
    return found.flatMap((choices) => choices.map(({ logProbability }) => logProbability));
  };
  const compared = async (one, other) => {
    const [these, those] = [await scores(one), await scores(other)];
    return { rows: rows.length, error: Math.max(...these.map((value, i) => Math.abs(value - those[i]))) };
  };
  try {
    // All in f32: llama.cpp rounds activations to bf16 where an adapter is in it.
    const plain = adapters.map((path, i) => rewritten(path, join(scratch, `plain-${i}`), inOrder));
    const permuted = adapters.map((path, i) => rewritten(path, join(scratch, `permuted-${i}`), shuffled(i)));
    return {
      "an adapter with its ranks in another order": await compared([plain[0]], [permuted[0]]),
      "lego of seven adapters, and of the same with their ranks in another order": await compared(
        [await merged(plain, "lego")],
        [await merged(permuted, "lego")],
      ),
      "cat of seven adapters, and the seven added by llama.cpp": await compared([await merged(plain, "cat")], plain),
    };
  } finally {
    await close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Write an adapter in f32 with each module's ranks in the order of `orderOf`. @returns where */
function rewritten(path, out, orderOf) {
  const { config, tensors } = readAdapter(path);
  for (const [name, a] of tensors) {
    if (!name.includes("lora_A")) continue;
    const b = tensors.get(name.replace("lora_A", "lora_B"));
    const [rank, width] = a.shape;
    const order = orderOf(rank);
    a.values = Float32Array.from(a.values, (_, i) => a.values[order[Math.floor(i / width)] * width + (i % width)]);
    b.values = Float32Array.from(b.values, (_, i) => b.values[i - (i % rank) + order[i % rank]]);
  }
  writeAdapter(out, { config, tensors });
  return out;
}

function inOrder(count) {
  return Array.from({ length: count }, (_, i) => i);
}

function shuffled(seed) {
  const random = seededRandom(seed);
  return (count) => {
    const order = inOrder(count);
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(random.uniform() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  };
}
