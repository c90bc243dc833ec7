/** What must not change a model's answers: the order of an adapter's ranks, and adapters concatenated instead of added. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareAdapter, prepareBase } from "../../build/lib/node/evaluate/gguf-inputs.js";
import { loadModel } from "../../build/lib/node/evaluate/llama.js";
import { scoreRows } from "../../build/lib/node/evaluate/score-rows.js";
import { readTaskFiles } from "../../build/lib/node/evaluate.js";
import { mergeToFolder } from "../../build/lib/node/index.js";
import { inOrder, reordered, shuffled } from "./adapter-files.mjs";

const WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven"];

/** On a made model. @returns by what was compared: rows, and the largest difference of a choice's log-probability */
export async function exactnessOf({ base, adapters, tasks, limit }, llama) {
  const rows = readTaskFiles(tasks, { limit });
  return withFolder(async (scratch) => {
    const { model: file, config } = await prepareBase(scratch, base);
    const { model, close } = await loadModel(llama, file, 1);
    let made = 0;
    const scores = async (paths) => {
      const on = [];
      for (const path of paths) {
        on.push({ filePath: await prepareAdapter(scratch, made++, path, config, {}), scale: 1 });
      }
      const found = await scoreRows(model, on, rows, 1);
      return found.map((choices) => choices.map(({ logProbability }) => logProbability));
    };
    try {
      return await compared(adapters, scores, "llama.cpp");
    } finally {
      await close();
    }
  });
}

/** On a pretrained model, in float32, where PEFT adds adapters. @param ask exact.py: the log-probabilities of its rows under these adapters */
export function realExactnessOf(adapters, ask) {
  return compared(adapters, (paths) => ask({ adapters: paths }), "PEFT");
}

/** @param scores log-probabilities of the choices of each row under some adapters together @param program what adds these */
function compared(adapters, scores, program) {
  return withFolder(async (scratch) => {
    const merged = async (inputs, method, name) => {
      const out = join(scratch, name);
      await mergeToFolder(inputs, { method, dtype: "f32" }, { out, threads: 1 });
      return out;
    };
    const difference = async (one, other) => {
      const [these, those] = [await scores(one), await scores(other)];
      const errors = these.flatMap((row, i) => row.map((value, j) => Math.abs(value - those[i][j])));
      return { rows: these.length, error: Math.max(...errors) };
    };
    // All in f32: llama.cpp rounds activations to bf16 where an adapter is in it.
    const plain = adapters.map((path, i) => reordered(path, join(scratch, `plain-${i}`), inOrder));
    const permuted = adapters.map((path, i) => reordered(path, join(scratch, `permuted-${i}`), shuffled(i)));
    const count = WORDS[adapters.length];
    return {
      "an adapter with its ranks in another order": await difference([plain[0]], [permuted[0]]),
      [`lego of ${count} adapters, and of the same with their ranks in another order`]: await difference(
        [await merged(plain, "lego", "lego")],
        [await merged(permuted, "lego", "lego-permuted")],
      ),
      [`cat of ${count} adapters, and the ${count} added by ${program}`]: await difference(
        [await merged(plain, "cat", "cat")],
        plain,
      ),
    };
  });
}

async function withFolder(work) {
  const scratch = mkdtempSync(join(tmpdir(), "lora-lego-exactness-"));
  try {
    return await work(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
