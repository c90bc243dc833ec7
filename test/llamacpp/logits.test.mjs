/**
 * llama.cpp applies what lora-lego writes: a model with a GGUF adapter gives the logits of the fused model, and two adapters at once those
 * of their merge by cat. Run by `npm run test:llama` after `npm run setup:llama`.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { getLlama, LlamaLogLevel } from "node-llama-cpp";
import {
  CONFIG,
  mixtralConfig,
  modelGguf,
  randomAdapter,
  randomModel,
  readSafetensors,
  safetensors,
  TOKENS,
} from "./model.mjs";

const TOLERANCE = 1e-4;
const PROMPT = [1, ...new TextEncoder().encode("a merge of adapters")].map((byte, i) => (i === 0 ? byte : byte + 3));
const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "lora-lego-llama-"));
const at = (...names) => join(folder, ...names);
const lego = (...args) => execFileSync(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });

/** Two adapters of one rank each, and one of several ranks and so of several scales. */
const ADAPTERS = {
  one: [11, () => 4, 8],
  two: [12, () => 2, 6],
  mixed: [13, (name) => (name.includes("self_attn") ? 3 : 5), 7],
};

let llama;
let model;
before(async () => {
  const base = randomModel(1);
  mkdirSync(at("base"));
  writeFileSync(at("base/model.safetensors"), safetensors(base));
  writeFileSync(at("base/config.json"), JSON.stringify(CONFIG));
  writeFileSync(at("base.gguf"), modelGguf(base));
  for (const [name, [seed, rankOf, alpha]] of Object.entries(ADAPTERS)) {
    const { tensors, config } = randomAdapter(seed, rankOf, alpha);
    mkdirSync(at(name));
    writeFileSync(at(name, "adapter_model.safetensors"), safetensors(tensors));
    writeFileSync(at(name, "adapter_config.json"), JSON.stringify(config));
    lego("convert", at(name), "--to", "gguf", "--base-config", at("base/config.json"), "--out", at(`${name}.gguf`));
  }
  llama = await getLlama({ gpu: false, build: "never", maxThreads: 2, logLevel: LlamaLogLevel.error });
  model = await llama.loadModel({ modelPath: at("base.gguf") });
});
after(async () => {
  await model?.dispose();
  await llama?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** Log-probabilities of every next token, after every token of the prompt. */
async function logProbabilities(of, adapters = []) {
  const lora = { adapters: adapters.map((name) => ({ filePath: at(`${name}.gguf`), scale: 1 })) };
  // In f16, as by default, keys and values that differ in the last bit of f32 may differ in the third digit.
  const exact = { experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32", flashAttention: false };
  const context = await of.createContext({ contextSize: 64, ...exact, ...(adapters.length > 0 && { lora }) });
  try {
    const input = PROMPT.map((token) => [token, { generateNext: { probabilities: true } }]);
    const results = await context.getSequence().controlledEvaluate(input);
    return results.map((result) => {
      const row = new Float64Array(TOKENS.length);
      for (const [token, probability] of result.next.probabilities) row[token] = Math.log(probability);
      return row;
    });
  } finally {
    await context.dispose();
  }
}

function distance(one, other) {
  return Math.max(...one.map((row, i) => Math.max(...row.map((value, token) => Math.abs(value - other[i][token])))));
}

async function fusedWith(name, base = "base", experts = 0) {
  lego("fuse", at(name), "--base", at(base), "--out", at(`fused-${name}`));
  writeFileSync(
    at(`fused-${name}.gguf`),
    modelGguf(readSafetensors(readFileSync(at(`fused-${name}/model.safetensors`))), experts),
  );
  const fused = await llama.loadModel({ modelPath: at(`fused-${name}.gguf`) });
  try {
    return await logProbabilities(fused);
  } finally {
    await fused.dispose();
  }
}

describe("llama.cpp", () => {
  for (const name of Object.keys(ADAPTERS)) {
    it(`gives the fused model's logits with the adapter ${name}`, async () => {
      const [plain, adapted, fused] = [
        await logProbabilities(model),
        await logProbabilities(model, [name]),
        await fusedWith(name),
      ];
      const error = distance(adapted, fused);
      console.log(
        `${name}: ${error.toExponential(1)} from the fused model, which is ${distance(plain, fused).toFixed(2)} from the base`,
      );
      assert.ok(distance(plain, fused) > 0.1, "the adapter changes nothing");
      assert.ok(error <= TOLERANCE, `${error} is more than ${TOLERANCE}`);
    });
  }

  it("gives the fused model's logits with an adapter of experts", async () => {
    const experts = 4;
    const tensors = randomModel(2, experts);
    const { tensors: factors, config } = randomAdapter(14, (name) => (name.includes("w2") ? 2 : 3), 5, experts);
    for (const [folder, weights, own, file] of [
      ["mixtral", tensors, mixtralConfig(experts), "model"],
      ["experts", factors, config, "adapter_model"],
    ]) {
      mkdirSync(at(folder));
      writeFileSync(at(folder, `${file}.safetensors`), safetensors(weights));
      writeFileSync(at(folder, file === "model" ? "config.json" : "adapter_config.json"), JSON.stringify(own));
    }
    writeFileSync(at("mixtral.gguf"), modelGguf(tensors, experts));
    lego("convert", at("experts"), "--base-config", at("mixtral/config.json"), "--out", at("experts.gguf"));
    const mixtral = await llama.loadModel({ modelPath: at("mixtral.gguf") });
    try {
      const [plain, adapted] = [await logProbabilities(mixtral), await logProbabilities(mixtral, ["experts"])];
      const fused = await fusedWith("experts", "mixtral", experts);
      const error = distance(adapted, fused);
      console.log(
        `experts: ${error.toExponential(1)} from the fused model, which is ${distance(plain, fused).toFixed(2)} from the base`,
      );
      assert.ok(distance(plain, fused) > 0.1, "the adapter changes nothing");
      assert.ok(error <= TOLERANCE, `${error} is more than ${TOLERANCE}`);
    } finally {
      await mixtral.dispose();
    }
  });

  it("gives the logits of two adapters at once with their merge by cat", async () => {
    lego("merge", at("one"), at("two"), "--method", "cat", "--dtype", "f32", "--out", at("sum"));
    lego("convert", at("sum"), "--to", "gguf", "--base-config", at("base/config.json"), "--out", at("sum.gguf"));
    const error = distance(await logProbabilities(model, ["sum"]), await logProbabilities(model, ["one", "two"]));
    console.log(`one + two: ${error.toExponential(1)} from both at once`);
    assert.ok(error <= TOLERANCE, `${error} is more than ${TOLERANCE}`);
  });
});
